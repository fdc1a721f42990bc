#include "logs/pace.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace deputy::logs {
namespace {

constexpr double recovery_seconds = 60;
constexpr double least_rate = 0.1;

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

double filter_log_events_quota(const Region& region) {
  constexpr std::array<std::string_view, 5> slow{"eu-central-1", "ap-northeast-3", "ap-southeast-3",
                                                 "ca-west-1", "il-central-1"};
  if (region.text() == "us-east-1") return 25;
  return std::ranges::find(slow, region.text()) != slow.end() ? 5 : 10;
}

double Pace::rate(Time now) const {
  if (cut_at_ == Time{}) return full_;
  return std::min(full_, rate_ + full_ * seconds(now - cut_at_) / recovery_seconds);
}

std::chrono::milliseconds Pace::apart(Time now) const {
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>{1 / rate(now)});
}

void Pace::take(Time now) {
  next_ = std::max(next_, now) + apart(now);
}

void Pace::throttled(Time now) {
  if (cut_at_ != Time{} && now - cut_at_ < std::chrono::seconds{1}) return;
  rate_ = std::max(least_rate, rate(now) / 2);
  cut_at_ = now;
  const std::chrono::duration<double> apart{1 / rate_};
  next_ = std::max(next_, now + std::chrono::ceil<std::chrono::milliseconds>(apart));
}

}  // namespace deputy::logs
