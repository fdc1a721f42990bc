#pragma once

#include <cstddef>
#include <string_view>

#include "core/result.hpp"

namespace deputy::registry {

// People's text (names, descriptions, reasons): 1 to `bytes_max` bytes of UTF-8 without control characters
// and without the characters that turn the writing direction, which make a page or a terminal show something
// else than what is stored.
Result<void> check_display_text(std::string_view text, std::string_view field, std::size_t bytes_max);

}  // namespace deputy::registry
