#include "connect/colour.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace deputy::connect {
namespace {

// https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
double linear(std::uint8_t channel) {
  const double value = channel / 255.0;
  return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

double luminance(Colour c) {
  return 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue);
}

Colour mixed(Colour a, Colour b, double share_of_b) {
  const auto mix = [&](std::uint8_t x, std::uint8_t y) {
    return static_cast<std::uint8_t>(std::lround(x * (1 - share_of_b) + y * share_of_b));
  };
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

constexpr Colour black{0, 0, 0};
constexpr Colour white{255, 255, 255};

}  // namespace

Result<Colour> parse_colour(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  const bool shaped = text.size() == 7 && text[0] == '#' &&
                      std::ranges::all_of(text.substr(1), [&](char c) { return digit(c) >= 0; });
  if (!shaped)
    return Error{ErrorKind::invalid_request, "a colour is `#` and six hexadecimal digits, such as `#0b5fff`"};
  const auto channel = [&](std::size_t at) {
    return static_cast<std::uint8_t>(digit(text[at]) * 16 + digit(text[at + 1]));
  };
  return Colour{channel(1), channel(3), channel(5)};
}

std::string to_text(Colour colour) {
  return fmt::format("#{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue);
}

double contrast(Colour a, Colour b) {
  const double x = luminance(a), y = luminance(b);
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

Colour readable_on(Colour background) {
  return contrast(white, background) >= 4.5 || contrast(white, background) >= contrast(black, background)
             ? white
             : black;
}

Colour adjusted_for(Colour colour, Colour background, double contrast_min) {
  const Colour end = readable_on(background);
  for (int step = 0; step < 50; ++step) {
    const Colour tried = mixed(colour, end, step / 50.0);
    if (contrast(tried, background) >= contrast_min) return tried;
  }
  return end;
}

}  // namespace deputy::connect
