#pragma once

#include <algorithm>
#include <functional>
#include <stop_token>
#include <utility>

#include "aws/caller.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/random.hpp"

namespace deputy::verify {

// Does AWS's answer leave it open, so that asking again may help? Of `caller_credentials` too: STS and IAM
// learn of a new session's keys one after the other.
inline bool may_pass_by_itself(aws::AwsErrorClass error_class) {
  using enum aws::AwsErrorClass;
  return error_class == throttled || error_class == unavailable || error_class == caller_credentials;
}

// Asks AWS again, with growing and jittered pauses, while its answer is one that may pass by itself: a few
// times for one call, and for so long over all calls together. References outlive it; it outlives its tasks.
// On one loop's thread.
class Patience {
 public:
  static constexpr std::chrono::milliseconds first_pause{500};  // doubles
  static constexpr std::chrono::milliseconds pause_max{8'000};

  Patience(EventLoop& loop, const Clock& clock, Random& random, int attempts_max,
           std::chrono::milliseconds time_max, std::stop_token stop)
      : loop_(loop),
        clock_(clock),
        random_(random),
        attempts_max_(attempts_max),
        ends_(clock.steady_now() + time_max),
        stop_(std::move(stop)) {}

  template <class T>
  Task<aws::AwsResult<T>> ask(std::function<Task<aws::AwsResult<T>>()> call) {
    std::chrono::milliseconds wait = first_pause;
    for (int attempt = 1;; ++attempt) {
      if (clock_.steady_now() >= ends_) co_return out_of_time();
      auto answer = co_await call();
      if (answer || !may_pass_by_itself(answer.error().error_class)) co_return answer;
      const std::chrono::milliseconds pause = wait / 2 + full_jitter(random_, wait / 2);
      if (attempt >= attempts_max_ || !co_await sleep_for(loop_, pause, stop_)) co_return answer;
      wait = std::min(wait * 2, pause_max);
    }
  }

 private:
  static aws::AwsError out_of_time() {
    return {.error_class = aws::AwsErrorClass::unavailable,
            .status = 0,
            .code = "Timeout",
            .message = "asking took too long",
            .request_id = {}};
  }

  EventLoop& loop_;
  const Clock& clock_;
  Random& random_;
  int attempts_max_;
  std::chrono::steady_clock::time_point ends_;
  std::stop_token stop_;
};

}  // namespace deputy::verify
