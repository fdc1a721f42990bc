#pragma once

#include "logs/record.hpp"
#include "support/fake_clock.hpp"

#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "aws/logs.hpp"

// CloudWatch Logs as a simulation needs it: everything that was ever written is remembered, with the time
// from which it can be read, and it is as unpleasant as AWS may be.
namespace deputy::logs {

struct WrittenEvent {
  std::string id;
  std::string stream;
  std::string message;
  std::int64_t timestamp_ms = 0;
  std::int64_t ingestion_ms = 0;
  std::int64_t visible_ms = 0;
  auto order() const { return std::tuple{timestamp_ms, ingestion_ms, id}; }
};

struct WrittenGroup {
  std::string account, region, name, log_class = "STANDARD";
  std::int64_t created_ms = 0;
  bool deleted = false;
  std::multimap<std::int64_t, WrittenEvent> events;  // by time
  std::string arn() const { return "arn:aws:logs:" + region + ":" + account + ":log-group:" + name; }
};

// Chances of each call to go wrong.
struct Faults {
  double throttle = 0, unavailable = 0, expired = 0, denied = 0, refuse_token = 0, no_answer = 0;
  double partial_page = 0, empty_page = 0;
  int latency_ms_max = 0;
  int disk_ms_max = 0;  // that a disk takes for what it is asked
};

class FakeCloud {
 public:
  FakeCloud(FakeClock& clock, std::uint64_t seed)
      : clock_(clock),
        random_(seed),
        began_(std::chrono::floor<std::chrono::milliseconds>(clock.now().time_since_epoch()) +
               std::chrono::milliseconds{uniform(-120'000, 120'000)}) {}

  WrittenGroup& create(const std::string& account, const std::string& region, const std::string& name);
  void remove(const std::string& account, const std::string& region, const std::string& name);
  WrittenGroup* find(const std::string& arn);
  void write(WrittenGroup& group, std::int64_t timestamp_ms, std::int64_t visible_ms, std::string message);
  // By AWS's clock, which is off from ours, and does not jump when ours does.
  std::int64_t now_ms() const;
  std::int64_t uniform(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>{least, most}(random_);
  }
  bool chance(double probability) { return std::bernoulli_distribution{probability}(random_); }

  // What a client sees that calls with the credentials of this account.
  aws::AwsResult<aws::FilterLogEventsAnswer> filter(const std::string& account,
                                                    const aws::FilterLogEventsRequest& request);
  // A call is sent, by whichever process. No second may see more of them than the share of the quota.
  void count_call(const std::string& account, const std::string& region);
  aws::AwsResult<aws::LogGroupPage> describe(const std::string& account, const std::string& region,
                                             const std::string& prefix, const std::string& token);

  Faults faults;
  std::uint64_t events_written = 0, calls = 0, faults_done = 0, late_events = 0, future_events = 0;
  std::vector<std::string> broken;  // promises that were
  std::size_t page_events_max = 20, describe_page_max = 2;
  // Accounts that nobody may call from this moment of our clock on.
  std::map<std::string, std::chrono::steady_clock::time_point> forbidden;
  // The same of log groups, by ARN, that no pattern names.
  std::map<std::string, std::chrono::steady_clock::time_point> unnamed;

 private:
  aws::AwsResult<aws::FilterLogEventsAnswer> error(aws::AwsErrorClass error_class, std::string code);

  FakeClock& clock_;
  std::mt19937_64 random_;
  const std::chrono::milliseconds began_;
  std::map<std::pair<std::string, std::string>, std::map<std::string, WrittenGroup>>
      groups_;  // account, Region
  std::map<std::string, std::deque<std::int64_t>> recent_calls_;
  std::uint64_t numbers_ = 0;
};

}  // namespace deputy::logs
