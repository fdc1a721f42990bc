#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/caller.hpp"

namespace deputy::aws {

// A log group as DescribeLogGroups lists it.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html
struct LogGroupDetails {
  std::string name;
  std::string arn;        // without `:*`
  std::string log_class;  // `STANDARD`, `INFREQUENT_ACCESS`, `DELIVERY`
  std::int64_t created_ms = 0;
};
struct LogGroupPage {
  std::vector<LogGroupDetails> groups;
  std::string next_token;         // empty: the last page
  std::chrono::sys_seconds date;  // AWS's, when it answered
};

// One page of FilterLogEvents to be asked for. Both times are of events, in milliseconds, and both inclusive.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
struct FilterLogEventsRequest {
  std::string group_arn;  // without `:*`
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;
  int limit = 10'000;
  std::string next_token;  // empty: the first page
};

// The answer as it came: it is up to 10,000 events, so whoever asked reads it where that may take its time
// (read_filtered_log_events).
struct FilterLogEventsAnswer {
  std::string body;
  std::chrono::sys_seconds date;  // AWS's, when it answered
  std::string request_id;
};

// The CloudWatch Logs client. Errors as AWS names them in `__type`, whatever the status. How often to try
// again is the caller's: every call counts against the customer's quota.
class Logs {
 public:
  virtual ~Logs() = default;
  // At most 50 groups a page.
  virtual Task<AwsResult<LogGroupPage>> describe_log_groups(std::string name_prefix, std::string next_token,
                                                            Region region, Credentials credentials) = 0;
  virtual Task<AwsResult<FilterLogEventsAnswer>> filter_log_events(FilterLogEventsRequest request,
                                                                   Region region,
                                                                   Credentials credentials) = 0;
};

// Over the wire: JSON 1.1.
std::unique_ptr<Logs> make_logs(const Caller& caller);

struct FilteredLogEvent {
  std::string_view stream;
  std::string_view event_id;
  std::string_view message;
  std::int64_t timestamp_ms = 0;
  std::int64_t ingestion_ms = 0;
};

// The events of a page, views into what it owns. Moves; the views stay valid.
class FilteredLogEvents {
 public:
  std::vector<FilteredLogEvent> events;
  std::string next_token;  // empty: the window has no more. A page without events may have one

  // Reads the body of an answer, taking it. `upstream_unavailable` for what is not FilterLogEvents' form: an
  // event without ID, time or message is never skipped. What is no UTF-8 (bytes, halves of surrogate pairs)
  // is read as U+FFFD: one odd message must not stop a log group for ever. Blocking: a full page takes
  // milliseconds.
  static Result<FilteredLogEvents> read(std::string body);

  FilteredLogEvents(FilteredLogEvents&&) noexcept;
  FilteredLogEvents& operator=(FilteredLogEvents&&) noexcept;
  ~FilteredLogEvents();

 private:
  FilteredLogEvents();
  struct Texts;
  std::unique_ptr<Texts> texts_;
};

}  // namespace deputy::aws
