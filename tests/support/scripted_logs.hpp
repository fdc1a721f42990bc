#pragma once

#include "logs/collector.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "aws/logs.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"

namespace deputy {

// CloudWatch Logs that answers by script: log groups by Region, events by ARN, errors for either. Each
// group's events are one page.
class ScriptedLogs final : public aws::Logs {
 public:
  struct Event {
    std::int64_t timestamp_ms;
    std::string id, message;
  };
  explicit ScriptedLogs(const Clock& clock) : clock_(clock) {}

  Task<aws::AwsResult<aws::LogGroupPage>> describe_log_groups(std::string prefix, std::string, Region region,
                                                              aws::Credentials credentials) override {
    described.push_back(credentials.access_key_id);
    if (slow_loop != nullptr) co_await sleep_for(*slow_loop, describing_takes, {});
    for (const std::string& told : {region.text(), prefix})
      if (const auto error = errors.find(told); error != errors.end()) co_return error->second;
    aws::LogGroupPage page;
    page.date = date();
    for (const aws::LogGroupDetails& group : groups[region.text()])
      if (group.name.starts_with(prefix)) page.groups.push_back(group);
    co_return page;
  }

  Task<aws::AwsResult<aws::FilterLogEventsAnswer>> filter_log_events(aws::FilterLogEventsRequest request,
                                                                     Region,
                                                                     aws::Credentials credentials) override {
    reads.push_back(request);
    keys.push_back(credentials.access_key_id);
    read_at.push_back(clock_.steady_now());
    most_at_once = std::max(most_at_once, ++under_way_);
    const auto own = reading_takes_of.find(keys.back());
    const auto takes = own != reading_takes_of.end() ? own->second : reading_takes;
    if (slow_loop != nullptr && takes.count() > 0) co_await sleep_for(*slow_loop, takes, {});
    --under_way_;
    if (const auto error = errors.find(request.group_arn); error != errors.end()) co_return error->second;
    if (request.limit > page_limit_max)
      co_return aws::AwsError{.error_class = aws::AwsErrorClass::unavailable, .code = "ResponseTooLarge"};
    std::string body;
    for (const Event& event : events[request.group_arn]) {
      if (event.timestamp_ms < request.start_ms || event.timestamp_ms > request.end_ms) continue;
      if (!body.empty()) body += ",";
      body += R"({"logStreamName":"s","timestamp":)" + std::to_string(event.timestamp_ms) +
              R"(,"message":")" + event.message + R"(","ingestionTime":)" +
              std::to_string(event.timestamp_ms) + R"(,"eventId":")" + event.id + R"("})";
    }
    body = R"({"events":[)" + body + "]";
    if (endless.contains(request.group_arn)) body += R"(,"nextToken":"more")";
    co_return aws::FilterLogEventsAnswer{body + "}", date(), "req"};
  }

  // A group that has been there for a day.
  std::string add_group(const std::string& account, const std::string& region, const std::string& name,
                        const std::string& log_class = "STANDARD") {
    std::string arn = "arn:aws:logs:" + region + ":" + account + ":log-group:" + name;
    groups[region].push_back({name, arn, log_class, now_ms() - 86'400'000});
    return arn;
  }
  std::int64_t now_ms() const {
    return std::chrono::floor<std::chrono::milliseconds>(clock_.now() + ahead).time_since_epoch().count();
  }

  std::map<std::string, std::vector<aws::LogGroupDetails>> groups;
  std::map<std::string, std::vector<Event>> events;  // by ARN
  std::map<std::string, aws::AwsError> errors;       // by Region or prefix (of discovery) or ARN
  int page_limit_max = 10'000;                       // beyond it an answer is too large
  EventLoop* slow_loop = nullptr;                    // where it is given, answers take time
  std::chrono::milliseconds describing_takes{0}, reading_takes{0};
  std::map<std::string, std::chrono::milliseconds> reading_takes_of;  // by access key, before that
  int most_at_once = 0;                                               // reads
  std::vector<std::string> described;                                 // access keys
  std::set<std::string> endless;       // ARNs whose windows have always one more page
  std::chrono::milliseconds ahead{0};  // AWS's clock before ours
  std::vector<aws::FilterLogEventsRequest> reads;
  std::vector<std::string> keys;
  std::vector<std::chrono::steady_clock::time_point> read_at;

 private:
  std::chrono::sys_seconds date() const {
    return std::chrono::floor<std::chrono::seconds>(clock_.now() + ahead);
  }
  const Clock& clock_;
  int under_way_ = 0;
};

// Connections and credentials that a test gives.
class ScriptedAccess final : public logs::Subscriptions, public logs::CredentialsSource {
 public:
  Task<Result<std::vector<logs::Subscription>>> active() override { co_return subscriptions; }
  Task<Result<logs::CollectingCredentials>> get(ConnectionId connection, Region) override {
    for (const logs::Subscription& each : subscriptions)
      if (each.connection == connection)
        co_return logs::CollectingCredentials{{.access_key_id = "ASIA" + each.account.text(),
                                               .secret_access_key = SecretString{"secret"},
                                               .session_token = SecretString{"token"},
                                               .expires_at = std::nullopt},
                                              account_of_credentials.value_or(each.account)};
    co_return Error{ErrorKind::connection_not_active, "the connection is not active"};
  }
  void forget(const ConnectionId&) override { ++forgotten; }

  std::vector<logs::Subscription> subscriptions;
  std::optional<AccountId> account_of_credentials;  // another account's than the connection's
  int forgotten = 0;
};

// Runs at once what would block.
class RunAtOnce final : public logs::Blocking {
 public:
  Task<Result<void>> run(std::function<void()> work) override {
    work();
    co_return success();
  }
};

}  // namespace deputy
