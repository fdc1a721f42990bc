#pragma once

#include "logs/record.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

// How records are put in order of time: by days (UTC), which have a file each, and inside a day by keys.
namespace deputy::logstore {

using Day = std::chrono::sys_days;

Day day_of(logs::EventTime time);
std::string to_text(Day day);                         // `2026-11-28`
std::optional<Day> parse_day(std::string_view text);  // exactly that form

// A record's key inside its day's file: 2^20 for each millisecond of the day, so that the order of keys is
// that of time, and within a millisecond that of arrival. Records beyond a million in one millisecond take
// keys of the next ones (DayFile::displaced_ms).
using Key = std::int64_t;
inline constexpr int key_bits = 20;
inline constexpr Key keys_per_ms = Key{1} << key_bits;

inline Key first_key(Day day, logs::EventTime time) {
  return (time - logs::EventTime{day}).count() * keys_per_ms;
}

}  // namespace deputy::logstore
