#include "templates/quoting.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <utility>

namespace deputy::templates {
namespace {

constexpr char32_t replacement = 0xFFFD;

struct Decoded {
  char32_t character = replacement;
  std::size_t bytes = 1;
};

// The character at the start of `text` (not empty). Overlong forms, surrogates and stray bytes are one
// replacement character a byte.
Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  std::size_t length = 0;
  char32_t character = 0;
  char32_t least = 0;
  if ((first & 0xE0U) == 0xC0) {
    length = 2, character = first & 0x1FU, least = 0x80;
  } else if ((first & 0xF0U) == 0xE0) {
    length = 3, character = first & 0x0FU, least = 0x800;
  } else if ((first & 0xF8U) == 0xF0) {
    length = 4, character = first & 0x07U, least = 0x10000;
  }
  if (length == 0 || text.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {};
    character = (character << 6U) | (byte(i) & 0x3FU);
  }
  if (character < least || character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF)) return {};
  return {character, length};
}

void append(std::string& out, char32_t character) {
  const auto byte = [&](char32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
  if (character < 0x80) {
    byte(character);
  } else if (character < 0x800) {
    byte(0xC0U | (character >> 6U)), byte(0x80U | (character & 0x3FU));
  } else if (character < 0x10000) {
    byte(0xE0U | (character >> 12U)), byte(0x80U | ((character >> 6U) & 0x3FU)),
        byte(0x80U | (character & 0x3FU));
  } else {
    byte(0xF0U | (character >> 18U)), byte(0x80U | ((character >> 12U) & 0x3FU));
    byte(0x80U | ((character >> 6U) & 0x3FU)), byte(0x80U | (character & 0x3FU));
  }
}

template <class Visit>
void each_character(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    const Decoded decoded = decode(text);
    visit(decoded.character);
    text.remove_prefix(decoded.bytes);
  }
}

bool in(char32_t character, char32_t first, char32_t last) {
  return character >= first && character <= last;
}

bool breaks_the_line(char32_t c) {
  return c < 0x20 || in(c, 0x7F, 0x9F) || c == 0x2028 || c == 0x2029;
}

// Format characters (Unicode category Cf), variation selectors, and what is not a character at all.
bool is_invisible(char32_t c) {
  return c == 0xAD || c == 0x61C || c == 0x180E || in(c, 0x200B, 0x200F) || in(c, 0x202A, 0x202E) ||
         in(c, 0x2060, 0x206F) || in(c, 0xFE00, 0xFE0F) || c == 0xFEFF || in(c, 0xFFF9, 0xFFFB) ||
         (c & 0xFFFEU) == 0xFFFE || in(c, 0xFDD0, 0xFDEF) || c >= 0xE0000;
}

// Letters (category L) of the scripts that company names are written in. A letter that is missing here
// becomes `_`; what is here must be a letter, since IAM refuses the whole role otherwise.
constexpr auto letters = std::to_array<std::pair<char32_t, char32_t>>({
    {0xC0, 0xD6},     {0xD8, 0xF6},     {0xF8, 0x2C1},    {0x386, 0x386},   {0x388, 0x38A},
    {0x38E, 0x3A1},   {0x3A3, 0x3F5},   {0x3F7, 0x481},   {0x48A, 0x52F},   {0x531, 0x556},
    {0x561, 0x587},   {0x5D0, 0x5EA},   {0x620, 0x64A},   {0x671, 0x6D3},   {0x904, 0x939},
    {0xE01, 0xE30},   {0xE40, 0xE46},   {0x10D0, 0x10FA}, {0x1E00, 0x1EFF}, {0x3041, 0x3096},
    {0x30A1, 0x30FA}, {0x30FC, 0x30FE}, {0x3400, 0x4DB5}, {0x4E00, 0x9FD5}, {0xAC00, 0xD7A3},
});

bool fits_a_tag(char32_t c) {
  if (c < 0x80) {
    const char ascii = static_cast<char>(c);
    return (ascii >= 'a' && ascii <= 'z') || (ascii >= 'A' && ascii <= 'Z') ||
           (ascii >= '0' && ascii <= '9') ||
           std::string_view{" _.:/=+-@"}.find(ascii) != std::string_view::npos;
  }
  return std::any_of(letters.begin(), letters.end(),
                     [&](auto range) { return in(c, range.first, range.second); });
}

// `\u202e`, or `\U000e0041`: in YAML and HCL alike.
std::string unicode_escape(char32_t c) {
  const auto number = static_cast<std::uint32_t>(c);
  return c < 0x10000 ? fmt::format("\\u{:04x}", number) : fmt::format("\\U{:08x}", number);
}

constexpr std::size_t unbounded = static_cast<std::size_t>(-1);

}  // namespace

std::string readable(std::string_view text, std::size_t bytes_max) {
  std::string out;
  each_character(text, [&](char32_t character) {
    if (is_invisible(character)) return;
    if (breaks_the_line(character)) character = ' ';
    if (character == '{' && (out.ends_with('{') || out.ends_with('$') || out.ends_with('%'))) out += ' ';
    append(out, character);
  });
  if (out.size() > bytes_max) {
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0U) == 0x80) --end;
    out.resize(end);
  }
  return out;
}

std::string role_description_text(std::string_view text) {
  constexpr std::size_t characters_max = 1'000;
  std::string out;
  std::size_t characters = 0;
  each_character(readable(text, unbounded), [&](char32_t character) {
    if (characters++ < characters_max)
      append(out, character < 0x7F || in(character, 0xA1, 0xFF) ? character : U'?');
  });
  return out;
}

std::string tag_value(std::string_view text) {
  constexpr std::size_t characters_max = 256;
  std::string out;
  std::size_t characters = 0;
  each_character(readable(text, unbounded), [&](char32_t character) {
    if (characters++ < characters_max) append(out, fits_a_tag(character) ? character : U'_');
  });
  return out;
}

std::string yaml_quoted(std::string_view text) {
  std::string out = "\"";
  each_character(text, [&](char32_t c) {
    if (c == '"' || c == '\\') {
      out += '\\', append(out, c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (breaks_the_line(c) && c < 0x100) {
      out += fmt::format("\\x{:02x}", static_cast<std::uint32_t>(c));
    } else if (breaks_the_line(c) || is_invisible(c)) {
      out += unicode_escape(c);
    } else {
      append(out, c);
    }
  });
  return out + '"';
}

std::string hcl_escaped(std::string_view text) {
  std::string out;
  char32_t previous = 0;
  each_character(text, [&](char32_t c) {
    if (c == '"' || c == '\\') {
      out += '\\', append(out, c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == previous && (c == '$' || c == '%')) {
      out.pop_back();  // no run of them may come to stand before a `{`
      out += unicode_escape(c), append(out, c);
    } else if (c == '{' && (previous == '$' || previous == '%')) {
      append(out, previous), append(out, c);  // `$${`, `%%{`
    } else if (breaks_the_line(c) || is_invisible(c)) {
      out += unicode_escape(c);
    } else {
      append(out, c);
    }
    previous = c;
  });
  return out;
}

std::string hcl_quoted(std::string_view text) {
  return '"' + hcl_escaped(text) + '"';
}

std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c != '\0') {
      out += c;
    }
  }
  return out + '\'';
}

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                            c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string regex_exactly(std::string_view text) {
  std::string out = "^";
  for (const char c : text) {
    if (std::string_view{"\\^$.|?*+()[]{}"}.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out + '$';
}

}  // namespace deputy::templates
