#include "registry/text_rules.hpp"

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

Result<void> check_display_text(std::string_view text, std::string_view field, std::size_t bytes_max) {
  const auto wrong = [&](std::string_view what) {
    return Error{ErrorKind::invalid_request, fmt::format("`{}` {}", field, what)}.with_field(
        std::string{field});
  };
  if (text.empty()) return wrong("is empty");
  if (text.size() > bytes_max) return wrong(fmt::format("is longer than {} bytes", bytes_max));
  while (!text.empty()) {
    const auto code_point = first_code_point(text);
    if (!code_point) return wrong("is not UTF-8");
    if (is_control(code_point->value)) return wrong("has a control character");
    if (turns_direction(code_point->value)) return wrong("has a character that turns the writing direction");
    text.remove_prefix(code_point->bytes);
  }
  return success();
}

}  // namespace deputy::registry
