#pragma once

namespace deputy {

// Ends the process with the place and the text of a broken assertion. Never prints values.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace deputy

// Always on: for programmer errors only, never for input. Prefer a type that cannot be wrong.
#define DEPUTY_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::deputy::assertion_failed(#expression, __FILE__, __LINE__))
