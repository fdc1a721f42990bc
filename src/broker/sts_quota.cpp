#include "broker/sts_quota.hpp"

#include <algorithm>
#include <cmath>

#include "core/assert.hpp"

namespace deputy::broker {
namespace {

// Regions come from requests, and not each one that is well formed exists.
constexpr std::size_t regions_swept_at = 64;
constexpr std::chrono::seconds idle_for{60};
constexpr std::chrono::seconds cut_once_in{1};
constexpr double lowest_part = 1.0 / 64;

}  // namespace

StsQuota::StsQuota(Settings settings, Tally& tally) : settings_(settings), tally_(tally) {
  DEPUTY_ASSERT(settings.rate > 0);
  DEPUTY_ASSERT(settings.verification_share >= 0 && settings.verification_share <= 1);
  DEPUTY_ASSERT(settings.recovery.count() > 0);
}

double StsQuota::verification_burst(double rate) const {
  return std::max(1.0, rate * settings_.verification_share);
}

StsQuota::Bucket& StsQuota::bucket_of(const Region& region, Time now) {
  const auto found = buckets_.find(region);
  if (found != buckets_.end()) {
    fill(found->second, now);
    return found->second;
  }
  if (buckets_.size() >= regions_swept_at)
    std::erase_if(buckets_, [&](const auto& entry) { return now - entry.second.filled_at > idle_for; });
  const Bucket full{.rate = settings_.rate,
                    .tokens = std::max(1.0, settings_.rate),
                    .verification_tokens = verification_burst(settings_.rate),
                    .filled_at = now};
  return buckets_.emplace(region, full).first->second;
}

void StsQuota::fill(Bucket& bucket, Time now) const {
  const double passed = std::max(0.0, std::chrono::duration<double>(now - bucket.filled_at).count());
  const double growth = settings_.rate / std::chrono::duration<double>(settings_.recovery).count();
  const double before = bucket.rate;
  bucket.rate = std::min(settings_.rate, bucket.rate + growth * passed);
  // By the rate that was: what grew meanwhile counts from now on.
  bucket.tokens = std::min(std::max(1.0, bucket.rate), bucket.tokens + before * passed);
  bucket.verification_tokens =
      std::min(verification_burst(bucket.rate),
               bucket.verification_tokens + before * settings_.verification_share * passed);
  bucket.filled_at = now;
}

std::optional<std::chrono::milliseconds> StsQuota::granted(double missing_seconds,
                                                           std::chrono::milliseconds wait_max) {
  const double wait = std::ceil(1000 * std::max(0.0, missing_seconds));
  if (wait > static_cast<double>(wait_max.count())) {
    ++tally_.quota_refusals;
    return std::nullopt;
  }
  if (wait > 0) ++tally_.quota_waits;
  return std::chrono::milliseconds{static_cast<std::int64_t>(wait)};
}

std::optional<std::chrono::milliseconds> StsQuota::reserve(const Region& region, Time now) {
  Bucket& bucket = bucket_of(region, now);
  const auto wait = granted((1.0 - bucket.tokens) / bucket.rate, settings_.wait_max);
  if (!wait) return std::nullopt;
  bucket.tokens -= 1;
  ++tally_.quota_calls;
  return wait;
}

std::optional<std::chrono::milliseconds> StsQuota::reserve_for_verification(const Region& region, Time now) {
  if (settings_.verification_share <= 0) return std::nullopt;
  Bucket& bucket = bucket_of(region, now);
  const double own = (1.0 - bucket.verification_tokens) / (bucket.rate * settings_.verification_share);
  const double shared = (1.0 - bucket.tokens) / bucket.rate;
  const auto wait = granted(std::max(own, shared), settings_.verification_wait_max);
  if (!wait) return std::nullopt;
  bucket.tokens -= 1;
  bucket.verification_tokens -= 1;
  ++tally_.quota_calls_of_verification;
  return wait;
}

// One cut for all the calls that went out at the old rate.
void StsQuota::throttled(const Region& region, Time now) {
  Bucket& bucket = bucket_of(region, now);
  if (bucket.cut_at && now - *bucket.cut_at < cut_once_in) return;
  bucket.cut_at = now;
  bucket.rate = std::max(settings_.rate * lowest_part, bucket.rate / 2);
  bucket.tokens = std::min(bucket.tokens, 0.0);
  bucket.verification_tokens = std::min(bucket.verification_tokens, 0.0);
  ++tally_.quota_cuts;
}

double StsQuota::lowest_rate(Time now) {
  double lowest = settings_.rate;
  for (auto& [region, bucket] : buckets_) {
    fill(bucket, now);
    lowest = std::min(lowest, bucket.rate);
  }
  return lowest;
}

}  // namespace deputy::broker
