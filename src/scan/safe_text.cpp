#include "scan/safe_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>

#include "json/utf8.hpp"

namespace deputy::scan {
namespace {

using json::first_character;

bool is_shown(std::uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  if (code >= 0x200b && code <= 0x200f) return false;  // zero width, direction marks
  if (code >= 0x2028 && code <= 0x202e) return false;  // separators, direction overrides
  if (code >= 0x2060 && code <= 0x206f) return false;  // joiners, isolates
  return code != 0xfeff && code != 0x61c;
}

bool is_formula_sign(std::uint32_t code) {
  constexpr std::array signs{0x3dU, 0x2bU, 0x2dU, 0x40U, 0xff1dU, 0xff0bU, 0xff0dU, 0xff20U};
  return std::ranges::find(signs, code) != signs.end();
}

// An apostrophe in front of each formula: at the start, and behind a semicolon, at which spreadsheets of many
// countries take the line apart, whatever is in quotes by then. Blanks and quotes before the sign do not
// change what the cell is.
std::string without_formulas(std::string_view text) {
  std::string safe;
  std::size_t cell = 0;  // where in `safe` it begins
  bool at_start = true;
  while (!text.empty()) {
    const auto character = first_character(text);
    const std::size_t bytes = character ? character->bytes : 1;
    if (at_start && character && is_formula_sign(character->code)) safe.insert(cell, 1, '\'');
    at_start = text[0] == ';' || (at_start && (text[0] == ' ' || text[0] == '"'));
    safe += text.substr(0, bytes);
    if (text[0] == ';') cell = safe.size();
    text.remove_prefix(bytes);
  }
  return safe;
}

}  // namespace

std::string for_terminal(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const auto character = first_character(text);
    const std::size_t bytes = character ? character->bytes : 1;
    if (!character || (character->code < 0x80 && !is_shown(character->code))) {
      safe += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    } else if (!is_shown(character->code)) {
      safe += fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(character->code));
    } else {
      safe += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return safe;
}

std::string for_json(std::string_view text) {
  return json::valid_utf8(text);
}

std::string for_csv(std::string_view text) {
  // A tab or line break in front, which some programs skip, is a `\x09` by then.
  std::string safe = without_formulas(for_terminal(text));
  if (safe.find_first_of(",;\"'") == std::string::npos && !safe.starts_with(' ') && !safe.ends_with(' '))
    return safe;
  std::string quoted = "\"";
  for (const char c : safe) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace deputy::scan
