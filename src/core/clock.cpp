#include "core/clock.hpp"

#include <charconv>
#include <cstdint>
#include <fmt/compile.h>
#include <fmt/format.h>

namespace deputy {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::string civil(Timestamp time) {
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{floor<seconds>(time - day)};
  return fmt::format(FMT_COMPILE("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}"), static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

// Reads exactly `digits` decimal digits at the front of `text` and takes them off.
bool take_number(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool take_char(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& text, std::chrono::microseconds& fraction) {
  if (!take_char(text, '.')) return true;
  std::int64_t micros = 0;
  std::size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (digits < 6) micros = micros * 10 + (text.front() - '0');
    ++digits;
    text.remove_prefix(1);
  }
  if (digits == 0 || digits > 18) return false;
  for (std::size_t i = digits; i < 6; ++i) micros *= 10;
  fraction = std::chrono::microseconds{micros};
  return true;
}

bool take_offset(std::string_view& text, minutes& offset) {
  if (take_char(text, 'Z') || take_char(text, 'z')) return text.empty();
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return false;
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  int hour = 0;
  int minute = 0;
  if (!take_number(text, 2, hour) || !take_char(text, ':') || !take_number(text, 2, minute)) return false;
  if (hour > 23 || minute > 59) return false;
  offset = minutes{sign * (hour * 60 + minute)};
  return text.empty();
}

}  // namespace

Timestamp SystemClock::now() const {
  return floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::chrono::steady_clock::time_point SystemClock::steady_now() const {
  return std::chrono::steady_clock::now();
}

std::string to_rfc3339(Timestamp time) {
  return civil(time) + "Z";
}

std::string to_rfc3339_millis(Timestamp time) {
  const auto millis = floor<milliseconds>(time) - floor<seconds>(time);
  return civil(time) + fmt::format(".{:03}Z", millis.count());
}

Result<Timestamp> parse_rfc3339(std::string_view text) {
  const auto wrong = [&] {
    return Error{ErrorKind::invalid_request,
                 in_backticks(text) + " is not a time: write RFC 3339, such as `2026-01-31T12:00:00Z`"};
  };
  std::string_view rest = text;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!take_number(rest, 4, year) || !take_char(rest, '-') || !take_number(rest, 2, month) ||
      !take_char(rest, '-') || !take_number(rest, 2, day) ||
      !(take_char(rest, 'T') || take_char(rest, 't')) || !take_number(rest, 2, hour) ||
      !take_char(rest, ':') || !take_number(rest, 2, minute) || !take_char(rest, ':') ||
      !take_number(rest, 2, second)) {
    return wrong();
  }
  std::chrono::microseconds fraction{0};
  minutes offset{0};
  if (!take_fraction(rest, fraction) || !take_offset(rest, offset)) return wrong();
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || year < 1970 || hour > 23 || minute > 59 || second > 59) return wrong();
  return Timestamp{std::chrono::sys_days{date} + hours{hour} + minutes{minute} + seconds{second} + fraction -
                   offset};
}

Result<milliseconds> parse_duration(std::string_view text) {
  const auto wrong = [&] {
    return Error{ErrorKind::invalid_request,
                 in_backticks(text) +
                     " is not a duration: write a whole number and a unit, such as `120s`, `24h` or `7d`"};
  };
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || count < 0 || text.empty() || text.front() == '-') return wrong();
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  std::int64_t unit_ms = 0;
  if (unit == "ms")
    unit_ms = 1;
  else if (unit == "s")
    unit_ms = 1000;
  else if (unit == "m")
    unit_ms = 60'000;
  else if (unit == "h")
    unit_ms = 3'600'000;
  else if (unit == "d")
    unit_ms = 86'400'000;
  else
    return wrong();
  constexpr std::int64_t max_ms = std::int64_t{3650} * 86'400'000;
  if (count > max_ms / unit_ms) return wrong();
  return milliseconds{count * unit_ms};
}

}  // namespace deputy
