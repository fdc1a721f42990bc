#pragma once

#include <string>
#include <string_view>

// Text as JSON spells it in ASCII alone, for documents that people read, paste and compare.
namespace deputy::json {

// The next character of UTF-8, taken off the front of `text`, which is not empty. A byte that begins no
// character stands for itself.
char32_t take_character(std::string_view& text);

// Whatever is not printable ASCII as `\uXXXX`, beyond U+FFFF as a surrogate pair. Quotes and backslashes
// stay.
std::string escaped(std::string_view text);

// A JSON string, in its quotes.
std::string in_quotes(std::string_view text);

}  // namespace deputy::json
