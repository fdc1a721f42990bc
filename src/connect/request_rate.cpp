#include "connect/request_rate.hpp"

#include <algorithm>

namespace deputy::connect {

double RequestRate::filled(const Bucket& bucket, Time now) const {
  const double seconds = std::chrono::duration<double>(now - bucket.at).count();
  return std::min(burst_, bucket.tokens + std::max(0.0, seconds) * per_second_);
}

void RequestRate::make_room(Time now) {
  if (buckets_.size() < names_max) return;
  std::erase_if(buckets_, [&](const auto& entry) { return filled(entry.second, now) >= burst_; });
  if (buckets_.size() >= names_max) buckets_.clear();
}

bool RequestRate::take(const std::string& name, Time now) {
  make_room(now);
  Bucket& bucket = buckets_.try_emplace(name, Bucket{burst_, now}).first->second;
  bucket.tokens = filled(bucket, now);
  bucket.at = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace deputy::connect
