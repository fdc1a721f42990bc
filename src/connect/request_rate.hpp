#pragma once

#include <chrono>
#include <string>
#include <unordered_map>

namespace deputy::connect {

// How much each of many may do: a bucket of tokens for each name, filled again steadily. Bounded in memory:
// beyond `names_max` what is full again is forgotten, and if that makes no room, everything. On one thread.
class RequestRate {
 public:
  using Time = std::chrono::steady_clock::time_point;

  RequestRate(double burst, double per_second) : burst_(burst), per_second_(per_second) {}

  // Takes one token; false when there is none.
  bool take(const std::string& name, Time now);

 private:
  static constexpr std::size_t names_max = 20'000;
  struct Bucket {
    double tokens;
    Time at;
  };
  double filled(const Bucket& bucket, Time now) const;
  void make_room(Time now);

  const double burst_;
  const double per_second_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace deputy::connect
