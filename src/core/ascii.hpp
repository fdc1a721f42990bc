#pragma once

#include <string>
#include <string_view>

// Case as protocols and identifiers mean it: ASCII letters alone, whatever the locale is.
namespace deputy {

constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string to_lower(std::string_view text) {
  std::string lower{text};
  for (char& c : lower) c = to_lower(c);
  return lower;
}

}  // namespace deputy
