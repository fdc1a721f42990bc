#include "logstore/day.hpp"

#include <charconv>
#include <fmt/format.h>

namespace deputy::logstore {

Day day_of(logs::EventTime time) {
  return std::chrono::floor<std::chrono::days>(time);
}

std::string to_text(Day day) {
  const std::chrono::year_month_day date{day};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::optional<Day> parse_day(std::string_view text) {
  if (text.size() != 10) return std::nullopt;
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  const char* const digits = text.begin();
  std::from_chars(digits, digits + 4, year);
  std::from_chars(digits + 5, digits + 7, month);
  std::from_chars(digits + 8, digits + 10, day);
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                         std::chrono::day{day}};
  if (!date.ok() || to_text(date) != text) return std::nullopt;
  return Day{date};
}

}  // namespace deputy::logstore
