#include "json/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace deputy::json {
namespace {

void append_escaped(std::string& out, unsigned value) {
  if (value >= 0x20 && value < 0x7f) {
    out += static_cast<char>(value);
  } else if (value < 0x10000) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", value);
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}\\u{:04x}", 0xd800 + ((value - 0x10000) >> 10U),
                   0xdc00 + ((value - 0x10000) & 0x3ffU));
  }
}

}  // namespace

char32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  const char32_t lead = byte(0);
  const std::size_t wanted = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const std::size_t bytes = std::min(wanted, text.size());
  char32_t value = bytes == 1 ? lead : lead & (0xffU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) value = (value << 6U) | (byte(i) & 0x3fU);
  text.remove_prefix(bytes);
  return value;
}

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) append_escaped(out, static_cast<unsigned>(take_character(text)));
  return out;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto value = static_cast<unsigned>(take_character(text));
    if (value == '"' || value == '\\') out += '\\';
    append_escaped(out, value);
  }
  return out + '"';
}

}  // namespace deputy::json
