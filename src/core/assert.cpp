#include "core/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace deputy {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "deputy: assertion failed at %s:%d: %s\n", file, line, expression);
  std::abort();
}

}  // namespace deputy
