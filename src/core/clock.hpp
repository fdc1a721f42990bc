#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace deputy {

// A point in civil time (UTC), to the microsecond.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

// Where time comes from. Civil time for what people and AWS see, steady time for durations: it never goes
// back. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
  virtual std::chrono::steady_clock::time_point steady_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() const override;
  std::chrono::steady_clock::time_point steady_now() const override;
};

// RFC 3339 in UTC, to the second: `2026-11-22T20:06:42Z`.
std::string to_rfc3339(Timestamp time);
// The same to the millisecond: `2026-11-22T20:06:42.123Z`.
std::string to_rfc3339_millis(Timestamp time);
// Reads RFC 3339 with `Z` or an offset, with or without a fraction (cut to microseconds). Years 1970–9999.
Result<Timestamp> parse_rfc3339(std::string_view text);

// A duration as in the configuration: a whole number and one of ms, s, m, h, d (`24h`, `120s`, `7d`); 0 to
// 3,650 days.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace deputy
