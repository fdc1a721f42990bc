#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace deputy {

// Eight bytes, the most significant first.
inline void append_big_endian(std::string& out, std::uint64_t number) {
  std::array<char, sizeof number> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>((number >> (8 * (bytes.size() - 1 - i))) & 0xffU);
  out.append(bytes.data(), bytes.size());
}

}  // namespace deputy
