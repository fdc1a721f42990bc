#include "connect/display_text.hpp"

#include "connect/texts.hpp"

#include <fmt/format.h>

#include "registry/text_rules.hpp"

namespace deputy::connect {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view ellipsis = "\xE2\x80\xA6";

// Characters without a shape of their own that change what is seen, or make two texts look alike.
bool is_invisible(std::uint32_t c) {
  return registry::turns_direction(c) || c == 0xad || c == 0x200b || (c >= 0x2060 && c <= 0x2064) ||
         (c >= 0x206a && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe0fff) || (c & 0xfffeU) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

bool is_break(std::uint32_t c) {
  return registry::is_control(c) || c == 0x2028 || c == 0x2029;
}

struct Piece {
  std::uint32_t code_point;  // U+FFFD for a byte that is no UTF-8
  std::string_view bytes;
};

Piece take(std::string_view& text) {
  const auto found = registry::first_code_point(text);
  const std::string_view bytes = text.substr(0, found ? found->bytes : 1);
  text.remove_prefix(bytes.size());
  return found ? Piece{found->value, bytes} : Piece{0xfffd, replacement};
}

// The word at this place among words with one space between them.
std::string_view word(std::string_view words, std::size_t place) {
  for (; place > 0; --place) words.remove_prefix(words.find(' ') + 1);
  return words.substr(0, words.find(' '));
}

}  // namespace

std::string one_line(std::string_view text, std::size_t length_max) {
  std::string out;
  std::size_t length = 0, last = 0;  // `last`: where the last character begins
  bool gap = false;
  while (!text.empty()) {
    const Piece piece = take(text);
    if (is_invisible(piece.code_point)) continue;
    if (is_break(piece.code_point) || piece.code_point == ' ') {
      gap = !out.empty();
      continue;
    }
    if (length + (gap ? 2 : 1) > length_max) {
      if (length == length_max) out.resize(last);
      return out.append(ellipsis);
    }
    if (gap) out += ' ';
    last = out.size();
    out += piece.bytes;
    length += gap ? 2 : 1;
    gap = false;
  }
  return out;
}

bool is_longer(std::string_view text, std::size_t length_max) {
  return one_line(text, length_max) != one_line(text, text.size());
}

std::string exact(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Piece piece = take(text);
    const std::uint32_t c = piece.code_point;
    const bool kept = c == '\n' || c == '\t' || !(is_invisible(c) || is_break(c));
    if (kept)
      out += piece.bytes;
    else if (c < 0x10000)
      out += c == '\r' ? std::string{} : fmt::format("\\u{:04x}", c);
    else
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + ((c - 0x10000) >> 10U),
                         0xdc00 + ((c - 0x10000) & 0x3ffU));
  }
  return out;
}

std::string sentence(std::string_view text) {
  std::string out = one_line(text);
  if (out.empty()) return out;
  if (out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  if (std::string_view{".!?:"}.find(out.back()) == std::string_view::npos) out += '.';
  return out;
}

std::string date_text(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - day)};
  return filled("time.date",
                {{"day", std::to_string(static_cast<unsigned>(date.day()))},
                 {"month", word(text("time.months"), static_cast<unsigned>(date.month()) - 1)},
                 {"year", std::to_string(static_cast<int>(date.year()))},
                 {"clock", fmt::format("{:02}:{:02}", clock.hours().count(), clock.minutes().count())}});
}

std::string duration_text(std::chrono::seconds duration) {
  const auto counted = [](std::int64_t count, std::string_view unit) {
    return filled(fmt::format("time.{}{}", unit, count == 1 ? "" : "s"), {{"count", std::to_string(count)}});
  };
  const std::int64_t seconds = duration.count();
  if (seconds > 0 && seconds % 86400 == 0) return counted(seconds / 86400, "day");
  if (seconds > 0 && seconds % 3600 == 0) return counted(seconds / 3600, "hour");
  if (seconds > 0 && seconds % 60 == 0) return counted(seconds / 60, "minute");
  return counted(seconds, "second");
}

}  // namespace deputy::connect
