#include "connect/brand.hpp"

#include <fmt/format.h>

#include "registry/text_rules.hpp"

namespace deputy::connect {
namespace {

constexpr std::size_t name_bytes_max = 60;
constexpr Colour default_colour{0x1f, 0x5e, 0xb8};

// The grounds that the style sheet lays texts on: the page's and the darkest (lightest) tint of it in each
// scheme.
constexpr Colour light_ground{0xe6, 0xef, 0xf9};
constexpr Colour dark_ground{0x22, 0x2a, 0x36};

constexpr double text_contrast = 4.5;

std::string properties(Colour brand, Colour ground) {
  // As text, an outline or a filled button it must stand out from the ground; what is written on it is black
  // or white.
  const Colour accent = adjusted_for(brand, ground, text_contrast);
  return fmt::format("--accent:{};--on-accent:{}", to_text(accent), to_text(readable_on(accent)));
}

}  // namespace

Result<Logo> parse_logo(std::string bytes) {
  if (bytes.size() > logo_bytes_max)
    return Error{
        ErrorKind::invalid_request,
        fmt::format("the logo has {} bytes; {} are the most, so that the page stays light: an SVG, or a "
                    "small PNG",
                    bytes.size(), logo_bytes_max)};
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"))
    return Logo{.bytes = std::move(bytes), .content_type = "image/png", .extension = "png"};
  const auto first = bytes.find_first_not_of(" \t\r\n");
  const std::string_view begin =
      first == std::string::npos ? std::string_view{} : std::string_view{bytes}.substr(first);
  const bool is_svg =
      (begin.starts_with("<svg") || begin.starts_with("<?xml") || begin.starts_with("<!--")) &&
      begin.find("<svg") != std::string_view::npos;
  if (!is_svg) return Error{ErrorKind::invalid_request, "the logo is neither an SVG nor a PNG"};
  return Logo{.bytes = std::move(bytes), .content_type = "image/svg+xml", .extension = "svg"};
}

Result<Brand> make_brand(std::string_view name, std::optional<std::string> colour,
                         std::optional<std::string> logo_bytes) {
  DEPUTY_TRY(registry::check_display_text(name, "connect.brand_name", name_bytes_max));
  Brand brand{.name = std::string{name}, .colour = std::nullopt, .logo = std::nullopt};
  if (colour) {
    auto parsed = parse_colour(*colour);
    if (parsed.has_error()) return std::move(parsed.error()).with_field("connect.brand_colour");
    brand.colour = parsed.value();
  }
  if (logo_bytes) {
    auto parsed = parse_logo(std::move(*logo_bytes));
    if (parsed.has_error()) return std::move(parsed.error()).with_field("connect.brand_logo_file");
    brand.logo = std::move(parsed).value();
  }
  return brand;
}

std::string brand_style(const Brand& brand) {
  const Colour colour = brand.colour.value_or(default_colour);
  return fmt::format(":root{{{}}}\n@media (prefers-color-scheme:dark){{:root{{{}}}}}\n",
                     properties(colour, light_ground), properties(colour, dark_ground));
}

std::string brand_mark(const Brand& brand) {
  const Colour colour = brand.colour.value_or(default_colour);
  const std::string ink = to_text(readable_on(colour));
  const char first = brand.name.empty() ? ' ' : brand.name[0];
  const bool small = first >= 'a' && first <= 'z';
  const bool shown = small || (first >= 'A' && first <= 'Z') || (first >= '0' && first <= '9');
  const std::string inside =
      shown ? fmt::format(
                  "<text x=\"16\" y=\"22.5\" font-family=\"system-ui,sans-serif\" font-size=\"18\" "
                  "font-weight=\"700\" text-anchor=\"middle\" fill=\"{}\">{}</text>",
                  ink, static_cast<char>(small ? first - 'a' + 'A' : first))
            : fmt::format("<circle cx=\"16\" cy=\"16\" r=\"7\" fill=\"{}\"/>", ink);
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\">"
      "<rect width=\"32\" height=\"32\" rx=\"8\" fill=\"{}\"/>{}</svg>\n",
      to_text(colour), inside);
}

}  // namespace deputy::connect
