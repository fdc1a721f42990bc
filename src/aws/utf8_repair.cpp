#include "aws/utf8_repair.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace deputy::aws {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// Length of the well-formed character that `text` begins with; 0 when it begins with none.
// Unicode 15, table 3-7.
std::size_t character_length(std::string_view text) {
  const auto at = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : static_cast<unsigned char>(0);
  };
  const auto is_tail = [](unsigned char byte) { return byte >= 0x80 && byte <= 0xBF; };
  const unsigned char first = at(0), second = at(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return is_tail(second) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned char least = first == 0xE0 ? 0xA0 : 0x80, most = first == 0xED ? 0x9F : 0xBF;
    return second >= least && second <= most && is_tail(at(2)) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned char least = first == 0xF0 ? 0x90 : 0x80, most = first == 0xF4 ? 0x8F : 0xBF;
    return second >= least && second <= most && is_tail(at(2)) && is_tail(at(3)) ? 4 : 0;
  }
  return 0;
}

// The number of `\uXXXX` at the front.
std::optional<std::uint32_t> unicode_escape(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return std::nullopt;
  std::uint32_t code = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, code, 16);
  if (error != std::errc{} || end != text.data() + 6) return std::nullopt;
  return code;
}

}  // namespace

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 64);
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    out += length == 0 ? replacement : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string replace_lone_surrogates(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const std::size_t plain = std::min(json.find('\\'), json.size());
    out += json.substr(0, plain);
    json.remove_prefix(plain);
    const auto code = unicode_escape(json);
    std::size_t taken = std::min<std::size_t>(code ? 6 : 2, json.size());
    if (!code || *code < 0xD800 || *code > 0xDFFF) {
      out += json.substr(0, taken);
    } else if (const auto low = unicode_escape(json.substr(6));
               *code <= 0xDBFF && low && *low >= 0xDC00 && *low <= 0xDFFF) {
      taken = 12;
      out += json.substr(0, taken);
    } else {
      out += "\\ufffd";
    }
    json.remove_prefix(taken);
  }
  return out;
}

}  // namespace deputy::aws
