#include "broker/call_quota.hpp"

#include <algorithm>
#include <cmath>

#include "core/assert.hpp"

namespace deputy::broker {
namespace {

constexpr std::size_t subjects_swept_at = 1'024;

}  // namespace

CallQuota::CallQuota(double rate, std::chrono::milliseconds wait_max)
    : rate_(rate), burst_(std::max(1.0, rate)), wait_max_(wait_max) {
  DEPUTY_ASSERT(rate > 0);
}

CallQuota::Bucket& CallQuota::bucket_of(const std::string& subject,
                                        std::chrono::steady_clock::time_point now) {
  const auto found = buckets_.find(subject);
  if (found != buckets_.end()) return found->second;
  // Subjects come from requests: forget those that are full again anyway, so that this does not grow.
  if (buckets_.size() >= subjects_swept_at) {
    const auto idle = std::chrono::duration<double>{2 * burst_ / rate_};
    std::erase_if(buckets_, [&](const auto& entry) { return now - entry.second.filled_at > idle; });
  }
  return buckets_.emplace(subject, Bucket{burst_, now}).first->second;
}

std::chrono::milliseconds CallQuota::free_in(const std::string& subject,
                                             std::chrono::steady_clock::time_point now) {
  Bucket& bucket = bucket_of(subject, now);
  const std::chrono::duration<double> passed = now - bucket.filled_at;
  bucket.tokens = std::min(burst_, bucket.tokens + passed.count() * rate_);
  bucket.filled_at = now;
  const double missing = std::max(0.0, 1.0 - bucket.tokens);
  return std::chrono::milliseconds{static_cast<std::int64_t>(std::ceil(1000 * missing / rate_))};
}

std::optional<std::chrono::milliseconds> CallQuota::reserve(const std::string& subject,
                                                            std::chrono::steady_clock::time_point now) {
  const auto wait = free_in(subject, now);
  if (wait > wait_max_) return std::nullopt;
  bucket_of(subject, now).tokens -= 1;
  return wait;
}

}  // namespace deputy::broker
