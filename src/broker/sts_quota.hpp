#pragma once

#include <chrono>
#include <map>
#include <optional>

#include "broker/tally.hpp"
#include "core/identifiers.hpp"

namespace deputy::broker {

// The partner account's quota of AssumeRole calls, a token bucket for each Region that holds one second's
// calls. There is one partner account in a process: throttling counts against the caller's account, whoever
// owns the role. What a Region throttles halves its rate, once a second at most, and empties its bucket; the
// rate grows back evenly, from nothing to the whole in `recovery`.
//
// Issuing and verification draw on the same bucket, and verification on a bucket of its own besides, which is
// filled with its share of the rate as it is at the moment: it never gets more, and issuing always gets the
// rest. Bounded: Regions that are idle and at their full rate are forgotten. On one loop's thread.
class StsQuota {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Settings {
    double rate = 100;                // calls a second in each Region; more than 0
    double verification_share = 0.2;  // 0–1
    // Who would wait longer is sent away.
    std::chrono::milliseconds wait_max{2'000};
    std::chrono::milliseconds verification_wait_max{10'000};
    std::chrono::milliseconds recovery{30'000};
  };
  StsQuota(Settings settings, Tally& tally);

  // How long to wait before the call; nullopt when that would be too long: nothing is reserved then.
  std::optional<std::chrono::milliseconds> reserve(const Region& region, Time now);
  std::optional<std::chrono::milliseconds> reserve_for_verification(const Region& region, Time now);

  // AWS throttled a call in this Region.
  void throttled(const Region& region, Time now);

  // Calls a second that the Region most held back may have at the moment.
  double lowest_rate(Time now);
  double full_rate() const { return settings_.rate; }

 private:
  struct Bucket {
    double rate;
    double tokens;  // negative: reserved by those who wait
    double verification_tokens;
    Time filled_at;
    std::optional<Time> cut_at{};
  };
  Bucket& bucket_of(const Region& region, Time now);
  void fill(Bucket& bucket, Time now) const;
  double verification_burst(double rate) const;
  std::optional<std::chrono::milliseconds> granted(double missing_seconds,
                                                   std::chrono::milliseconds wait_max);

  const Settings settings_;
  Tally& tally_;
  std::map<Region, Bucket> buckets_;
};

}  // namespace deputy::broker
