#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

// Colours in sRGB and how well they are read on each other. Pure.
namespace deputy::connect {

struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
  friend bool operator==(const Colour&, const Colour&) = default;
};

// `#rrggbb` and nothing else. Errors: `invalid_request`.
Result<Colour> parse_colour(std::string_view text);
std::string to_text(Colour colour);

// 1 to 21. https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
double contrast(Colour a, Colour b);

// Black or white, whichever is read better on it; never below 4.5:1.
Colour readable_on(Colour background);

// The colour, darkened or lightened in small steps until it has this contrast with the background.
Colour adjusted_for(Colour colour, Colour background, double contrast_min);

}  // namespace deputy::connect
