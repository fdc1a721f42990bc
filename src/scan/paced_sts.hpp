#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>

#include "aws/sts.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/random.hpp"

namespace deputy::scan {

// An STS whose AssumeRole calls leave evenly, so many a second and no more: those are what AWS counts against
// the caller's account. (GetCallerIdentity is made with the customer's role and counts against theirs.) Who
// waits for a turn has one reserved, so that the rate is kept though each turn is a little late; at most
// `late_max` of turns that nobody took is made up for. A throttle makes everybody wait, longer each time,
// until calls get through again. Wrap a client that does not retry by itself: its retries would go past the
// pace. On one loop's thread.
class PacedSts final : public aws::Sts {
 public:
  static constexpr std::chrono::milliseconds late_max{50};
  static constexpr std::chrono::milliseconds pause_min{500};
  static constexpr std::chrono::milliseconds pause_max{20'000};

  // References outlive it. `calls_per_second` more than 0.
  PacedSts(EventLoop& loop, const Clock& clock, Random& random, aws::Sts& sts, double calls_per_second,
           std::stop_token stop);

  Task<aws::AwsResult<aws::AssumedRole>> assume_role(aws::AssumeRoleRequest request, Region region,
                                                     aws::Credentials credentials) override;
  Task<aws::AwsResult<aws::CallerIdentity>> get_caller_identity(Region region,
                                                                aws::Credentials credentials) override;

  struct Counts {
    std::uint64_t calls = 0;
    std::uint64_t throttles = 0;
    std::optional<std::chrono::steady_clock::time_point> first_call;
    std::chrono::steady_clock::time_point last_call;
    // From the first call to the last; 0 for fewer than two.
    double calls_per_second() const;
  };
  const Counts& counts() const { return counts_; }

 private:
  Task<bool> wait_for_turn();
  std::chrono::steady_clock::time_point reserve_turn();
  void note(const aws::AwsResult<aws::AssumedRole>& answer);

  EventLoop& loop_;
  const Clock& clock_;
  Random& random_;
  aws::Sts& sts_;
  const std::chrono::nanoseconds interval_;
  std::stop_token stop_;
  std::chrono::steady_clock::time_point next_turn_{};
  std::chrono::steady_clock::time_point held_until_{};
  std::chrono::milliseconds pause_ = pause_min;
  Counts counts_;
};

}  // namespace deputy::scan
