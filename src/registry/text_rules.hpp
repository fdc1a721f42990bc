#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/result.hpp"

namespace deputy::registry {

// People's text (names, descriptions, reasons): 1 to `bytes_max` bytes of UTF-8 of which something can be
// seen, and all of it: no control characters, none that turn the writing direction, no invisible ones, no
// spaces that look like the plain one, no private use. What a page or a terminal shows is what is stored, and
// two texts that differ do not look alike for a character that nobody sees. The error names the character and
// its place. THREATS: class 44.
Result<void> check_display_text(std::string_view text, std::string_view field, std::size_t bytes_max);

struct CodePoint {
  std::uint32_t value;
  std::size_t bytes;
};
// The first code point of well-formed UTF-8 (Unicode 15, table 3-7), or nothing. `text` is not empty.
std::optional<CodePoint> first_code_point(std::string_view text);
bool is_control(std::uint32_t code_point);
bool turns_direction(std::uint32_t code_point);

}  // namespace deputy::registry
