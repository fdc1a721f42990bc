#pragma once

#include "connect/colour.hpp"

#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace deputy::connect {

// A picture that the page shows in its head.
struct Logo {
  std::string bytes;
  std::string_view content_type;  // `image/svg+xml`, `image/png`
  std::string_view extension;     // `svg`, `png`
};
// Counted into the 30 kB of the first screen.
inline constexpr std::size_t logo_bytes_max = 4 * 1024;

// An SVG or PNG of `logo_bytes_max` at most, told by its content. Errors: `invalid_request`.
Result<Logo> parse_logo(std::string bytes);

// How the partner wants to be known to its customers: `[connect] brand_*`.
struct Brand {
  std::string name;              // 1–60 bytes of people's text
  std::optional<Colour> colour;  // `#rrggbb`
  std::optional<Logo> logo;
};
// What an unset `brand_name` is shown as is the caller's to choose; empty is an error.
Result<Brand> make_brand(std::string_view name, std::optional<std::string> colour,
                         std::optional<std::string> logo_bytes);

// Custom properties for the style sheet, for light and for dark, in which every text has the contrast that
// WCAG 2.2 AA asks for (4.5:1), whatever the colour.
std::string brand_style(const Brand& brand);

// An SVG of 32 by 32: the initial of the name on the brand's colour. The page's icon, and its logo where none
// is set.
std::string brand_mark(const Brand& brand);

}  // namespace deputy::connect
