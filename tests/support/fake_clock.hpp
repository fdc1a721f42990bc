#pragma once

#include <atomic>

#include "core/clock.hpp"

namespace deputy {

// A clock that stands still until it is told to move. Begins at 2026-01-01T00:00:00Z. Read from any thread,
// moved by the test's.
class FakeClock final : public Clock {
 public:
  Timestamp now() const override { return now_; }
  std::chrono::steady_clock::time_point steady_now() const override { return steady_; }

  void advance(std::chrono::microseconds by) {
    now_ = now_.load() + by;
    steady_ = steady_.load() + by;
  }
  // Civil time jumps, as when someone sets the clock; steady time does not.
  void jump(std::chrono::microseconds by) { now_ = now_.load() + by; }

 private:
  std::atomic<Timestamp> now_{Timestamp{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}}};
  std::atomic<std::chrono::steady_clock::time_point> steady_{
      std::chrono::steady_clock::time_point{std::chrono::hours{1}}};
};

}  // namespace deputy
