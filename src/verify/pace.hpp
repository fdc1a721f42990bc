#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/assert.hpp"

namespace deputy::verify {

// Spaces calls to so many a second; one second's calls may go at once. Everybody gets a turn: who comes while
// it is busy reserves the next free moment. On one thread.
class Pace {
 public:
  explicit Pace(double calls_per_second)
      : rate_(calls_per_second), burst_(std::max(1.0, calls_per_second)), free_(burst_) {
    DEPUTY_ASSERT(calls_per_second > 0);
  }

  // How long to wait before the call.
  std::chrono::milliseconds take_turn(std::chrono::steady_clock::time_point now) {
    const std::chrono::duration<double> passed = now - counted_at_;
    free_ = std::min(burst_, free_ + passed.count() * rate_);
    counted_at_ = now;
    const double missing = std::max(0.0, 1.0 - free_);
    free_ -= 1;
    return std::chrono::milliseconds{static_cast<std::int64_t>(std::ceil(1000 * missing / rate_))};
  }

 private:
  double rate_;
  double burst_;
  double free_;  // negative: taken by those who wait
  std::chrono::steady_clock::time_point counted_at_{};
};

}  // namespace deputy::verify
