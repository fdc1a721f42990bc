#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/error.hpp"

// What the broker counts while it works, for whoever shows it. Plain values: on one loop's thread. Bounded:
// no tenant, connection, workload or key is in it, and AWS's codes are those of a closed list.
namespace deputy::broker {

// How many values fell under each bound, and their sum. Times are in seconds.
template <std::size_t Bounds>
class Histogram {
 public:
  explicit constexpr Histogram(const std::array<double, Bounds>& bounds) : bounds_(bounds) {}

  void observe(std::chrono::duration<double> value) { observe(value.count()); }
  void observe(double value) {
    const auto place = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
    ++counts_[static_cast<std::size_t>(place)];
    sum_ += value;
  }
  const std::array<double, Bounds>& bounds() const { return bounds_; }
  // One for each bound, and one for what is above the last; not cumulative.
  const std::array<std::uint64_t, Bounds + 1>& counts() const { return counts_; }
  double sum() const { return sum_; }

 private:
  std::array<double, Bounds> bounds_;
  std::array<std::uint64_t, Bounds + 1> counts_{};
  double sum_ = 0;
};

inline constexpr std::array<double, 12> call_seconds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                     0.5,   1,    2.5,   5,    10,  20};
inline constexpr std::array<double, 10> write_seconds{0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                      0.025,  0.05,  0.1,    0.5,   2.5};
inline constexpr std::array<double, 9> records_of_one_write{1, 2, 4, 8, 16, 32, 64, 128, 256};
inline constexpr std::array<double, 8> life_seconds{60, 300, 900, 1'200, 1'800, 2'700, 3'600, 43'200};

struct Tally {
  Tally();  // every code of the list is there from the start

  // What became of requests for a session.
  std::uint64_t hits = 0, outage_hits = 0, misses = 0, joins = 0, remembered_denials = 0;
  // Refreshes ahead of expiry.
  std::uint64_t refreshes = 0, refreshes_failed = 0;
  std::uint64_t evictions = 0;
  std::uint64_t revocations = 0;
  std::uint64_t withheld = 0;  // sessions that came too late: revoked on their way
  // Calls to STS that failed: all, and by code.
  std::uint64_t sts_errors = 0;
  std::map<std::string, std::uint64_t, std::less<>> sts_errors_by_code;
  Histogram<call_seconds.size()> sts_seconds{call_seconds};
  // What the credentials that were handed out had left.
  Histogram<life_seconds.size()> life_left{life_seconds};
  std::map<ErrorKind, std::uint64_t> refused;  // requests that got an error
  std::uint64_t issued_from_cache = 0, issued_from_sts = 0;
  // Transactions that record issuances: how long each took until it was durable, and how many shared it.
  Histogram<write_seconds.size()> journal_seconds{write_seconds};
  Histogram<records_of_one_write.size()> journal_records{records_of_one_write};
  // When the partner's own credentials expire, as of the last call to STS; none when they do not.
  std::optional<Timestamp> base_expires_at;
  // The quota of calls.
  std::uint64_t quota_calls = 0, quota_calls_of_verification = 0;
  std::uint64_t quota_waits = 0, quota_refusals = 0, quota_cuts = 0;  // of a Region's
  // Of a connection's share of it.
  std::uint64_t share_waits = 0, share_refusals = 0;

  // `code` is AWS's or Deputy's own word for what went wrong; one that is not on the list counts as `other`.
  void count_sts_error(std::string_view code);
};

}  // namespace deputy::broker
