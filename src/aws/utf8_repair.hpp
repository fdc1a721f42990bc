#pragma once

#include <string>
#include <string_view>

namespace deputy::aws {

// The text with every byte that is not part of well-formed UTF-8 as U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

// The JSON text with every `\uXXXX` that is half of a surrogate pair, and alone, as `\ufffd`.
std::string replace_lone_surrogates(std::string_view json);

}  // namespace deputy::aws
