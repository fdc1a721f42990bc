#pragma once

#include <cstddef>
#include <string_view>

namespace deputy {

// Looks at every block that this program's C++ code gives back while it lives: does it hold the text? One at
// a time; `text` outlives it, and is not itself in memory that is given back meanwhile.
class FreedMemory {
 public:
  explicit FreedMemory(std::string_view text);
  ~FreedMemory();
  FreedMemory(const FreedMemory&) = delete;
  FreedMemory& operator=(const FreedMemory&) = delete;

  std::size_t blocks_with_it() const;
};

}  // namespace deputy
