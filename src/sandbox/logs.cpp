#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <fmt/format.h>

#include "sandbox/log_input.hpp"
#include "sandbox/log_store.hpp"
#include "sandbox/services.hpp"

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html
namespace deputy::sandbox {
namespace {

using namespace log_input;  // NOLINT(google-build-using-namespace): this file's own words

// Of one event too, since 2025.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
constexpr std::size_t batch_bytes_max = 1024 * 1024;

Reply nothing() {
  return {.body = {}, .headers = {}};
}

Outcome<Reply> create_group(World& world, const Call& call, const json::Value& input) {
  if (auto fault = refuse_all_but(input, {"logGroupName", "logGroupClass"})) return *std::move(fault);
  DEPUTY_TRY(const std::string name, group_name(input));
  DEPUTY_TRY(const auto log_class, optional_text(input, "logGroupClass"));
  if (log_class && *log_class != "STANDARD" && *log_class != "INFREQUENT_ACCESS")
    return invalid("logGroupClass is neither STANDARD nor INFREQUENT_ACCESS");
  if (auto fault = denied_on_group(world, call, name)) return *std::move(fault);
  if (find_group(call, name))
    return Fault{400, "ResourceAlreadyExistsException", "The specified log group already exists"};
  if (!add_log_group(world, *call.caller.account, call.region, name, log_class.value_or("STANDARD")))
    return limit_exceeded("Resource limit exceeded.");
  return nothing();
}

Outcome<Reply> delete_group(World& world, const Call& call, const json::Value& input) {
  if (auto fault = refuse_all_but(input, {"logGroupName"})) return *std::move(fault);
  DEPUTY_TRY(const std::string name, group_name(input));
  if (auto fault = denied_on_group(world, call, name)) return *std::move(fault);
  if (!remove_log_group(world, *call.caller.account, call.region, name)) return no_such_group();
  return nothing();
}

Outcome<Reply> create_stream(World& world, const Call& call, const json::Value& input) {
  if (auto fault = refuse_all_but(input, {"logGroupName", "logStreamName"})) return *std::move(fault);
  DEPUTY_TRY(const std::string name, group_name(input));
  DEPUTY_TRY(const std::string stream_name, text(input, "logStreamName"));
  if (!is_log_stream_name(stream_name))
    return invalid("logStreamName has 1 to 512 characters, neither ':' nor '*'");
  if (auto fault = denied_on_group(world, call, name, "log-stream:" + stream_name)) return *std::move(fault);
  LogGroup* const group = find_group(call, name);
  if (!group) return no_such_group();
  if (group->streams.contains(stream_name))
    return Fault{400, "ResourceAlreadyExistsException", "The specified log stream already exists"};
  if (!add_log_stream(world, *group, stream_name)) return limit_exceeded("Resource limit exceeded.");
  return nothing();
}

struct InputEvent {
  std::int64_t timestamp_ms;
  std::string message;
};

Outcome<std::vector<InputEvent>> read_events(const json::Value& input) {
  const json::Value* const events = input.find("logEvents");
  if (!events || !events->is(json::Kind::array)) return invalid("logEvents is not a list");
  if (events->elements.empty() || events->elements.size() > 10'000)
    return invalid("logEvents has 1 to 10,000 members");
  std::vector<InputEvent> read;
  std::size_t bytes = 0;
  for (const json::Value& event : events->elements) {
    if (!event.is(json::Kind::object))
      return Fault{400, "SerializationException", "a log event is not an object"};
    if (auto fault = refuse_all_but(event, {"timestamp", "message"})) return *std::move(fault);
    DEPUTY_TRY(const auto timestamp, number(event, "timestamp"));
    DEPUTY_TRY(std::string message, text(event, "message"));
    if (!timestamp || *timestamp < 0) return invalid("a log event has no timestamp, or a negative one");
    bytes += message.size() + event_overhead_bytes;
    if (message.size() > batch_bytes_max)
      return invalid(
          fmt::format("Log event too large: {} bytes exceeds limit of {}", message.size(), batch_bytes_max));
    if (!read.empty() && read.back().timestamp_ms > *timestamp)
      return invalid("Log events in a single PutLogEvents request must be in chronological order.");
    read.push_back({*timestamp, std::move(message)});
  }
  if (bytes > batch_bytes_max)
    return invalid(fmt::format("Upload too large: {} bytes exceeds limit of {}", bytes, batch_bytes_max));
  if (read.back().timestamp_ms - read.front().timestamp_ms > 24LL * 3600 * 1000)
    return invalid(
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  return read;
}

Outcome<Reply> put_events(World& world, const Call& call, const json::Value& input) {
  if (auto fault = refuse_all_but(input, {"logGroupName", "logStreamName", "logEvents", "sequenceToken"}))
    return *std::move(fault);
  DEPUTY_TRY(const std::string name, group_name(input));
  DEPUTY_TRY(const std::string stream_name, text(input, "logStreamName"));
  DEPUTY_TRY(auto events, read_events(input));
  if (auto fault = denied_on_group(world, call, name, "log-stream:" + stream_name)) return *std::move(fault);
  LogGroup* const group = find_group(call, name);
  if (!group) return no_such_group();
  const auto stream = group->streams.find(stream_name);
  if (stream == group->streams.end())
    return Fault{400, "ResourceNotFoundException", "The specified log stream does not exist."};

  // Too old (14 days) and too new (2 hours) ones are left out, and the answer says which.
  const auto now_ms =
      std::chrono::floor<std::chrono::milliseconds>(world.clock.now().time_since_epoch()).count();
  const std::int64_t oldest = now_ms - 14LL * 24 * 3600 * 1000, newest = now_ms + 2LL * 3600 * 1000;
  std::size_t too_old = 0, index = 0;
  std::optional<std::size_t> too_new;
  for (InputEvent& event : events) {
    if (event.timestamp_ms < oldest) {
      too_old = index + 1;
    } else if (event.timestamp_ms > newest) {
      if (!too_new) too_new = index;
    } else if (!add_log_event(world, *group, stream->second, event.timestamp_ms, std::move(event.message),
                              call.visibility)) {
      return limit_exceeded("The sandbox keeps no more log events.");
    }
    ++index;
  }
  boost::json::object answer{{"nextSequenceToken", fmt::format("{:056}", world.events_ever)}};
  boost::json::object rejected;
  if (too_old > 0) rejected["tooOldLogEventEndIndex"] = too_old;
  if (too_new) rejected["tooNewLogEventStartIndex"] = *too_new;
  if (!rejected.empty()) answer["rejectedLogEventsInfo"] = std::move(rejected);
  return Reply{.body = to_text(answer), .headers = {}};
}

std::int64_t to_millis(Timestamp time) {
  return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

// Names are in order, so the token is the last name that was given.
Outcome<Reply> describe_groups(World& world, const Call& call, const json::Value& input) {
  if (auto fault = refuse_all_but(input, {"logGroupNamePrefix", "limit", "nextToken"}))
    return *std::move(fault);
  DEPUTY_TRY(const auto prefix, optional_text(input, "logGroupNamePrefix"));
  DEPUTY_TRY(const auto token, optional_text(input, "nextToken"));
  DEPUTY_TRY(const std::size_t limit, page_size(input, 50, 50));
  if (auto fault = denied_on_group(world, call, "", "log-stream:")) return *std::move(fault);
  boost::json::array groups;
  boost::json::object answer;
  static const decltype(Account::log_groups)::mapped_type none;
  const auto region = call.caller.account->log_groups.find(call.region);
  const auto& all = region == call.caller.account->log_groups.end() ? none : region->second;
  for (auto entry = token ? all.upper_bound(*token) : all.begin(); entry != all.end(); ++entry) {
    const LogGroup& group = entry->second;
    if (prefix && !group.name.starts_with(*prefix)) continue;
    if (groups.size() == limit) {
      answer["nextToken"] = groups.back().as_object()["logGroupName"];
      break;
    }
    groups.push_back({{"logGroupName", group.name},
                      {"arn", group.arn + ":*"},
                      {"creationTime", to_millis(group.created_at)},
                      {"metricFilterCount", 0},
                      {"storedBytes", group.stored_bytes},
                      {"logGroupClass", group.log_class},
                      {"logGroupArn", group.arn}});
  }
  answer["logGroups"] = std::move(groups);
  return Reply{.body = to_text(answer), .headers = {}};
}

Outcome<Reply> describe_streams(World& world, const Call& call, const json::Value& input) {
  if (auto fault = refuse_all_but(input, {"logGroupName", "logStreamNamePrefix", "limit", "nextToken"}))
    return *std::move(fault);
  DEPUTY_TRY(const std::string name, group_name(input));
  DEPUTY_TRY(const auto prefix, optional_text(input, "logStreamNamePrefix"));
  DEPUTY_TRY(const auto token, optional_text(input, "nextToken"));
  DEPUTY_TRY(const std::size_t limit, page_size(input, 50, 50));
  if (auto fault = denied_on_group(world, call, name)) return *std::move(fault);
  const LogGroup* const group = find_group(call, name);
  if (!group) return no_such_group();
  boost::json::array streams;
  boost::json::object answer;
  for (auto entry = token ? group->streams.upper_bound(*token) : group->streams.begin();
       entry != group->streams.end(); ++entry) {
    const LogStream& stream = entry->second;
    if (prefix && !stream.name.starts_with(*prefix)) continue;
    if (streams.size() == limit) {
      answer["nextToken"] = streams.back().as_object()["logStreamName"];
      break;
    }
    boost::json::object described{{"logStreamName", stream.name},
                                  {"creationTime", to_millis(stream.created_at)},
                                  {"arn", fmt::format("{}:log-stream:{}", group->arn, stream.name)},
                                  {"storedBytes", 0}};
    if (!stream.events.empty()) {
      described["firstEventTimestamp"] = stream.events.front().timestamp_ms;
      described["lastEventTimestamp"] = stream.events.back().timestamp_ms;
    }
    streams.push_back(std::move(described));
  }
  answer["logStreams"] = std::move(streams);
  return Reply{.body = to_text(answer), .headers = {}};
}

using Operation = Outcome<Reply> (*)(World&, const Call&, const json::Value&);
constexpr std::array<std::pair<std::string_view, Operation>, 7> operations{{
    {"CreateLogGroup", create_group},
    {"CreateLogStream", create_stream},
    {"PutLogEvents", put_events},
    {"DescribeLogGroups", describe_groups},
    {"DescribeLogStreams", describe_streams},
    {"DeleteLogGroup", delete_group},
    {"FilterLogEvents", filter_log_events},
}};

}  // namespace

Outcome<Reply> answer_logs(World& world, const Call& call, const json::Value& input) {
  for (const auto& [name, operation] : operations)
    if (name == call.operation) return operation(world, call, input);
  return Fault{400, "UnknownOperationException", {}};
}

}  // namespace deputy::sandbox
