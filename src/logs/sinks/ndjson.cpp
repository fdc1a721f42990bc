#include "logs/sinks/ndjson.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <iterator>

#include "json/utf8.hpp"

namespace deputy::logs {
namespace {

// Whether any of eight bytes is a control character, DEL, a quote, a backslash or beyond ASCII.
// https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord
bool has_special(std::uint64_t bytes) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t tops = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t word) { return (word - ones) & ~word; };
  const std::uint64_t controls = bytes - ones * 0x20;
  return ((bytes | controls | has_zero(bytes ^ (ones * '"')) | has_zero(bytes ^ (ones * '\\')) |
           has_zero(bytes ^ (ones * 0x7f))) &
          tops) != 0;
}

// How many bytes at the front can be written as they are.
std::size_t plain_bytes(std::string_view text) {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + at, sizeof bytes);
    if (has_special(bytes)) break;
  }
  for (; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\') break;
  }
  return at;
}

// Writes one character that is not plain; returns how many bytes it took.
std::size_t append_special(std::string& out, std::string_view text) {
  switch (text[0]) {
    case '"':
      out += "\\\"";
      return 1;
    case '\\':
      out += "\\\\";
      return 1;
    case '\n':
      out += "\\n";
      return 1;
    case '\t':
      out += "\\t";
      return 1;
    case '\r':
      out += "\\r";
      return 1;
    default:
      break;
  }
  const auto character = json::first_character(text);
  if (!character) {
    out += "\xef\xbf\xbd";
    return 1;
  }
  if (character->code < 0xa0) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<std::uint32_t>(character->code));
  } else {
    out += text.substr(0, character->bytes);
  }
  return character->bytes;
}

void put_digits(char* to, unsigned value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

// Writes times; the date is worked out when it changes.
class TimeWriter {
 public:
  TimeWriter() { std::memcpy(text_.data(), "1970-01-01T00:00:00.000Z", text_.size()); }

  void append(std::string& out, EventTime time) {
    constexpr EventTime last{std::chrono::sys_days{std::chrono::year{10'000} / 1 / 1}};
    time = std::clamp(time, EventTime{}, last - std::chrono::milliseconds{1});
    const auto day = std::chrono::floor<std::chrono::days>(time);
    if (day != day_) {
      const std::chrono::year_month_day date{day};
      put_digits(text_.data(), static_cast<unsigned>(static_cast<int>(date.year())), 4);
      put_digits(text_.data() + 5, static_cast<unsigned>(date.month()), 2);
      put_digits(text_.data() + 8, static_cast<unsigned>(date.day()), 2);
      day_ = day;
    }
    const auto ms = static_cast<unsigned>((time - EventTime{day}).count());
    put_digits(text_.data() + 11, ms / 3'600'000, 2);
    put_digits(text_.data() + 14, ms / 60'000 % 60, 2);
    put_digits(text_.data() + 17, ms / 1'000 % 60, 2);
    put_digits(text_.data() + 20, ms % 1'000, 3);
    out.append(text_.data(), text_.size());
  }

 private:
  std::array<char, 24> text_{};
  std::chrono::sys_days day_{};
};

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out.append(",\"").append(name).append("\":\"");
  append_json_text(out, value);
  out += '"';
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t plain = plain_bytes(text);
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (!text.empty()) text.remove_prefix(append_special(out, text));
  }
}

std::size_t json_text_bytes_max(std::string_view text) {
  std::size_t bytes = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80)
      bytes += 3;  // U+FFFD has three; a character of C1 two, and six when it is escaped
    else if (byte < 0x20 || byte == 0x7f)
      bytes += 6;
    else
      bytes += byte == '"' || byte == '\\' ? 2 : 1;
  }
  return bytes;
}

void append_time(std::string& out, EventTime time) {
  TimeWriter{}.append(out, time);
}

void append_ndjson(std::string& out, const Origin& origin, const std::vector<Record>& records) {
  std::string from;  // the same in each line
  append_member(from, "tenant_id", origin.tenant.text());
  append_member(from, "connection_id", origin.connection.text());
  append_member(from, "account_id", origin.account.text());
  append_member(from, "region", origin.region.text());
  append_member(from, "group", origin.group);
  from += ",\"stream\":\"";
  TimeWriter times;
  std::string_view stream;
  std::string line_middle = from;
  for (const Record& record : records) {
    if (record.stream != stream) {
      stream = record.stream;
      line_middle = from;
      append_json_text(line_middle, stream);
    }
    out += "{\"timestamp\":\"";
    times.append(out, record.timestamp);
    out += "\",\"ingested_at\":\"";
    times.append(out, record.ingested);
    out += '"';
    out += line_middle;
    out += "\",\"event_id\":\"";
    append_json_text(out, record.event_id);
    out += "\",\"message\":\"";
    append_json_text(out, record.message);
    out += "\"}\n";
  }
}

}  // namespace deputy::logs
