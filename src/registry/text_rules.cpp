#include "registry/text_rules.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace deputy::registry {

std::optional<CodePoint> first_code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) -> std::uint32_t { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return CodePoint{lead, 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return std::nullopt;
  std::uint32_t value = lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return std::nullopt;
    value = (value << 6) | (byte(i) & 0x3fU);
  }
  const bool overlong = (bytes == 3 && value < 0x800) || (bytes == 4 && value < 0x10000);
  if (overlong || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return std::nullopt;
  return CodePoint{value, bytes};
}

bool is_control(std::uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

bool turns_direction(std::uint32_t code_point) {
  return code_point == 0x200e || code_point == 0x200f || code_point == 0x061c ||
         (code_point >= 0x202a && code_point <= 0x202e) || (code_point >= 0x2066 && code_point <= 0x2069);
}

namespace {

struct Range {
  std::uint32_t first, last;
};
template <std::size_t n>
bool is_in(const std::array<Range, n>& ranges, std::uint32_t code_point) {
  const auto* const range = std::ranges::lower_bound(ranges, code_point, {}, &Range::last);
  return range != ranges.end() && range->first <= code_point;
}

// Categories Cf, Zl and Zp, and Default_Ignorable_Code_Point: nothing to see, yet another text.
// https://www.unicode.org/Public/15.0.0/ucd/DerivedCoreProperties.txt
// https://www.unicode.org/Public/15.0.0/ucd/extracted/DerivedGeneralCategory.txt
constexpr std::array unseen{
    Range{0x00ad, 0x00ad},   Range{0x034f, 0x034f},   Range{0x0600, 0x0605},   Range{0x061c, 0x061c},
    Range{0x06dd, 0x06dd},   Range{0x070f, 0x070f},   Range{0x0890, 0x0891},   Range{0x08e2, 0x08e2},
    Range{0x115f, 0x1160},   Range{0x17b4, 0x17b5},   Range{0x180b, 0x180f},   Range{0x200b, 0x200f},
    Range{0x2028, 0x202e},   Range{0x2060, 0x206f},   Range{0x2800, 0x2800},   Range{0x3164, 0x3164},
    Range{0xfe00, 0xfe0f},   Range{0xfeff, 0xfeff},   Range{0xffa0, 0xffa0},   Range{0xfff0, 0xfffb},
    Range{0x110bd, 0x110bd}, Range{0x110cd, 0x110cd}, Range{0x13430, 0x1343f}, Range{0x1bca0, 0x1bca3},
    Range{0x1d173, 0x1d17a}, Range{0xe0000, 0xe0fff}};

// Spaces that are taken for a plain one. The ideographic one (U+3000) is a character of its script.
constexpr std::array odd_spaces{Range{0x00a0, 0x00a0}, Range{0x1680, 0x1680}, Range{0x2000, 0x200a},
                                Range{0x202f, 0x202f}, Range{0x205f, 0x205f}};

// Private use, noncharacters, and the planes without a character: every font shows something else, or
// nothing.
constexpr std::array shapeless{Range{0xe000, 0xf8ff}, Range{0xfdd0, 0xfdef}, Range{0x40000, 0x10ffff}};

// Marks that stand on the character before them, and show nothing by themselves.
constexpr std::array marks{Range{0x0300, 0x036f}, Range{0x0483, 0x0489}, Range{0x1ab0, 0x1aff},
                           Range{0x1dc0, 0x1dff}, Range{0x20d0, 0x20ff}, Range{0xfe20, 0xfe2f}};

// What is wrong with a character in a text that people are shown, or nothing.
std::optional<std::string_view> fault_of(std::uint32_t c) {
  if (is_control(c)) return "a control character";
  if (turns_direction(c)) return "a character that turns the writing direction";
  if (is_in(unseen, c)) return "an invisible character";
  if (is_in(odd_spaces, c)) return "a space that looks like a plain one; write U+0020";
  if (is_in(shapeless, c) || (c & 0xfffeU) == 0xfffe) return "a character without a shape of its own";
  return std::nullopt;
}

bool is_seen(std::uint32_t c) {
  return c != ' ' && c != 0x3000 && !is_in(marks, c);
}

}  // namespace

Result<void> check_display_text(std::string_view text, std::string_view field, std::size_t bytes_max) {
  const auto wrong = [&](std::string_view what) {
    return Error{ErrorKind::invalid_request, fmt::format("`{}` {}", field, what)}.with_field(
        std::string{field});
  };
  if (text.empty()) return wrong("is empty");
  if (text.size() > bytes_max) return wrong(fmt::format("is longer than {} bytes", bytes_max));
  bool seen = false;
  for (std::size_t place = 1; !text.empty(); ++place) {
    const auto code_point = first_code_point(text);
    if (!code_point) return wrong(fmt::format("is not UTF-8 from its character {} on", place));
    if (const auto fault = fault_of(code_point->value))
      return wrong(fmt::format("has U+{:04X} as its character {}: {}", code_point->value, place, *fault));
    seen = seen || is_seen(code_point->value);
    text.remove_prefix(code_point->bytes);
  }
  if (!seen) return wrong("shows nothing: it needs a character that can be seen");
  return success();
}

}  // namespace deputy::registry
