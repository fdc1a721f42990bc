#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>

namespace deputy::broker {

// Keeps to so many calls a second for each subject (a Region, a connection): a token bucket apiece that holds
// one second's calls. Who comes when it is empty reserves the next free moment, up to a bounded wait. Forgets
// subjects that were not heard of for a while. On one thread.
class CallQuota {
 public:
  // `rate` in calls a second, more than 0.
  CallQuota(double rate, std::chrono::milliseconds wait_max);

  // How long to wait before the call; nullopt when the wait would be too long: nothing is reserved then.
  std::optional<std::chrono::milliseconds> reserve(const std::string& subject,
                                                   std::chrono::steady_clock::time_point now);
  // For who was refused: when a call would go at once, if nobody came before.
  std::chrono::milliseconds free_in(const std::string& subject, std::chrono::steady_clock::time_point now);

 private:
  struct Bucket {
    double tokens;  // negative: reserved by those who wait
    std::chrono::steady_clock::time_point filled_at;
  };
  Bucket& bucket_of(const std::string& subject, std::chrono::steady_clock::time_point now);

  const double rate_;
  const double burst_;
  const std::chrono::milliseconds wait_max_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace deputy::broker
