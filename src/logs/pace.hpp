#pragma once

#include <chrono>

#include "core/identifiers.hpp"

namespace deputy::logs {

// The part of AWS's quota that the collector uses at most; the rest is the customer's own people's.
inline constexpr double quota_share = 0.6;
// Calls of FilterLogEvents a second that AWS takes from one account in this Region; not adjustable.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
double filter_log_events_quota(const Region& region);
inline constexpr double describe_log_groups_quota = 10;

// Evenly paced calls, at most `rate` a second in any second: the bucket holds one token. A throttle halves
// the rate, once a second at most; it grows back evenly, from nothing to the whole in a minute. Use on one
// thread.
class Pace {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit Pace(double rate) : full_(rate), rate_(rate) {}

  // When the next call may go; now or before: at once.
  Time next() const { return next_; }
  void take(Time now);
  // No call before this.
  void rest_until(Time until) { next_ = next_ < until ? until : next_; }
  void throttled(Time now);
  double rate(Time now) const;
  // The time between two calls.
  std::chrono::milliseconds apart(Time now) const;

 private:
  double full_;
  double rate_;  // when it was last cut
  Time cut_at_{};
  Time next_{};
};

}  // namespace deputy::logs
