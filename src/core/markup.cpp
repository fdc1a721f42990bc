#include "core/markup.hpp"

namespace deputy {

std::string in_markup(std::string_view text) {
  constexpr std::string_view replacement_character = "\xEF\xBF\xBD";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\r':
        out += "&#13;";
        break;
      case '\n':
      case '\t':
        out += c;
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          out += replacement_character;
        else
          out += c;
    }
  }
  return out;
}

}  // namespace deputy
