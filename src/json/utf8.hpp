#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// Strict UTF-8 (RFC 3629), for bytes from outside: no overlong forms, no surrogates, nothing above U+10FFFF.
namespace deputy::json {

struct Character {
  char32_t code = 0;
  std::size_t bytes = 0;
};

// The first character of a text that is not empty; nullopt when it begins with none.
std::optional<Character> first_character(std::string_view text);

// The text as JSON must have it: each byte that is part of no character becomes U+FFFD.
std::string valid_utf8(std::string_view text);

}  // namespace deputy::json
