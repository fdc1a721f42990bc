#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// What STS and IAM take as a tag: `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`, counted in characters.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
namespace deputy::aws {

inline constexpr std::size_t tag_key_characters_max = 128;
inline constexpr std::size_t tag_value_characters_max = 256;

// Is it UTF-8 of at most so many characters, all of them letters, spaces, numbers or `_.:/=+-@`? Marks (of
// Devanagari or Thai, say), symbols such as emoji, and format characters are none of these. By Unicode 14:
// what came later AWS may know or not, and it is refused.
bool is_tag_text(std::string_view text, std::size_t characters_max);

// A key as it is compared: AWS takes two that differ in case for one. Of ASCII and Latin-1 here; of other
// scripts AWS has the last word. REQUIRES a text that `is_tag_text` takes.
std::string folded_tag_key(std::string_view key);

}  // namespace deputy::aws
