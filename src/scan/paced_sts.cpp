#include "scan/paced_sts.hpp"

#include <algorithm>
#include <cmath>

#include "core/assert.hpp"

namespace deputy::scan {
namespace {

std::chrono::nanoseconds interval_of(double calls_per_second) {
  DEPUTY_ASSERT(calls_per_second > 0);
  return std::chrono::nanoseconds{static_cast<std::int64_t>(std::ceil(1e9 / calls_per_second))};
}

}  // namespace

PacedSts::PacedSts(EventLoop& loop, const Clock& clock, Random& random, aws::Sts& sts,
                   double calls_per_second, std::stop_token stop)
    : loop_(loop),
      clock_(clock),
      random_(random),
      sts_(sts),
      interval_(interval_of(calls_per_second)),
      stop_(std::move(stop)) {}

std::chrono::steady_clock::time_point PacedSts::reserve_turn() {
  const auto now = clock_.steady_now();
  // The first one has nothing to make up for.
  if (next_turn_ == std::chrono::steady_clock::time_point{}) next_turn_ = now;
  const auto turn = std::max({next_turn_, now - late_max, held_until_});
  next_turn_ = turn + interval_;
  return turn;
}

// False when stopped.
Task<bool> PacedSts::wait_for_turn() {
  for (;;) {
    const auto turn = reserve_turn();
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(turn - clock_.steady_now());
    if (wait.count() > 0) co_await sleep_for(loop_, wait, stop_);
    if (stop_.stop_requested()) co_return false;
    // A throttle since then: the turn is void.
    if (turn >= held_until_) co_return true;
  }
}

void PacedSts::note(const aws::AwsResult<aws::AssumedRole>& answer) {
  if (answer || answer.error().error_class != aws::AwsErrorClass::throttled) {
    if (clock_.steady_now() >= held_until_) pause_ = pause_min;
    return;
  }
  ++counts_.throttles;
  const auto now = clock_.steady_now();
  if (now < held_until_) return;  // one of those that were under way when it began
  held_until_ = now + pause_ / 2 + full_jitter(random_, pause_ / 2);
  next_turn_ = std::max(next_turn_, held_until_);
  pause_ = std::min(pause_ * 2, pause_max);
}

Task<aws::AwsResult<aws::AssumedRole>> PacedSts::assume_role(aws::AssumeRoleRequest request, Region region,
                                                             aws::Credentials credentials) {
  if (!co_await wait_for_turn())
    co_return aws::AwsError{.error_class = aws::AwsErrorClass::unavailable,
                            .status = 0,
                            .code = "Closed",
                            .message = "stopped",
                            .request_id = {}};
  counts_.last_call = clock_.steady_now();
  if (++counts_.calls == 1) counts_.first_call = counts_.last_call;
  auto answer = co_await sts_.assume_role(std::move(request), std::move(region), std::move(credentials));
  note(answer);
  co_return answer;
}

Task<aws::AwsResult<aws::CallerIdentity>> PacedSts::get_caller_identity(Region region,
                                                                        aws::Credentials credentials) {
  return sts_.get_caller_identity(std::move(region), std::move(credentials));
}

double PacedSts::Counts::calls_per_second() const {
  if (calls < 2 || !first_call || last_call <= *first_call) return 0;
  return static_cast<double>(calls - 1) / std::chrono::duration<double>(last_call - *first_call).count();
}

}  // namespace deputy::scan
