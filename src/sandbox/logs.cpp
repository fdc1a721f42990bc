#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <tuple>

#include "sandbox/log_store.hpp"
#include "sandbox/services.hpp"

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html
namespace deputy::sandbox {
namespace {

constexpr std::size_t answer_bytes_max = 1024 * 1024;

Fault invalid(std::string message) {
  return {400, "InvalidParameterException", std::move(message)};
}
Fault no_such_group() {
  return {400, "ResourceNotFoundException", "The specified log group does not exist."};
}
Fault limit_exceeded(std::string message) {
  return {400, "LimitExceededException", std::move(message)};
}

// ── The input: a JSON object whose members are known
// ─────────────────────────────────────────────────────────────────────────────────

std::optional<Fault> refuse_all_but(const json::Value& input, std::initializer_list<std::string_view> known) {
  for (const json::Member& member : input.members)
    if (std::ranges::find(known, member.name) == known.end())
      return invalid(fmt::format("The sandbox does not know the member {} of this operation",
                                 in_backticks(member.name)));
  return std::nullopt;
}

Outcome<std::optional<std::string>> optional_text(const json::Value& input, std::string_view name) {
  const json::Value* const value = input.find(name);
  if (!value || value->is(json::Kind::null)) return std::optional<std::string>{};
  if (!value->is(json::Kind::string))
    return Fault{400, "SerializationException", fmt::format("`{}` is not a string", name)};
  return std::optional{value->text};
}

Outcome<std::string> text(const json::Value& input, std::string_view name) {
  DEPUTY_TRY(auto value, optional_text(input, name));
  if (!value || value->empty())
    return invalid(
        fmt::format("1 validation error detected: Value null at '{}' failed to satisfy constraint: Member "
                    "must not be null",
                    name));
  return *std::move(value);
}

Outcome<std::optional<std::int64_t>> number(const json::Value& input, std::string_view name) {
  const json::Value* const value = input.find(name);
  if (!value || value->is(json::Kind::null)) return std::optional<std::int64_t>{};
  std::int64_t parsed = 0;
  const char* const end = value->text.data() + value->text.size();
  if (!value->is(json::Kind::number) ||
      std::from_chars(value->text.data(), end, parsed) != std::from_chars_result{end, std::errc{}})
    return Fault{400, "SerializationException", fmt::format("`{}` is not a whole number", name)};
  return std::optional{parsed};
}

Outcome<std::size_t> page_size(const json::Value& input, std::int64_t otherwise, std::int64_t most) {
  DEPUTY_TRY(const auto limit, number(input, "limit"));
  const std::int64_t size = limit.value_or(otherwise);
  if (size < 1 || size > most)
    return invalid(fmt::format(
        "1 validation error detected: Value '{}' at 'limit' failed to satisfy constraint: Member must have "
        "value between 1 and {}",
        size, most));
  return static_cast<std::size_t>(size);
}

// ── Groups and streams
// ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

std::optional<Fault> denied_on_group(const World& world, const Call& call, std::string_view name,
                                     std::string_view rest = "*") {
  auto fault =
      denied(world, call, "logs:" + call.operation,
             call.caller.account->arn("logs", fmt::format("log-group:{}:{}", name, rest), call.region));
  if (fault) fault = Fault{400, "AccessDeniedException", std::move(fault->message)};
  return fault;
}

LogGroup* find_group(const Call& call, std::string_view name) {
  const auto region = call.caller.account->log_groups.find(call.region);
  if (region == call.caller.account->log_groups.end()) return nullptr;
  const auto group = region->second.find(name);
  return group == region->second.end() ? nullptr : &group->second;
}

Outcome<std::string> group_name(const json::Value& input) {
  DEPUTY_TRY(std::string name, text(input, "logGroupName"));
  if (!is_log_group_name(name))
    return invalid(fmt::format(
        "1 validation error detected: Value '{}' at 'logGroupName' failed to satisfy constraint: Member must "
        "satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
        name.substr(0, 128)));
  return name;
}

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
  for (const json::Value& event : events->elements) {
    if (!event.is(json::Kind::object))
      return Fault{400, "SerializationException", "a log event is not an object"};
    if (auto fault = refuse_all_but(event, {"timestamp", "message"})) return *std::move(fault);
    DEPUTY_TRY(const auto timestamp, number(event, "timestamp"));
    DEPUTY_TRY(std::string message, text(event, "message"));
    if (!timestamp || *timestamp < 0) return invalid("a log event has no timestamp, or a negative one");
    if (message.size() > 256 * 1024) return invalid("Log event too large");
    if (!read.empty() && read.back().timestamp_ms > *timestamp)
      return invalid("Log events in a single PutLogEvents request must be in chronological order.");
    read.push_back({*timestamp, std::move(message)});
  }
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
    } else if (!add_log_event(world, *group, stream->second, event.timestamp_ms, std::move(event.message))) {
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

// ── FilterLogEvents
// ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

struct Filter {
  std::string group;
  std::int64_t start_ms = 0;
  std::int64_t end_ms = std::numeric_limits<std::int64_t>::max();
  std::size_t limit = 10'000;
  std::vector<std::string> terms;
  std::set<std::string> streams;  // empty: all
  std::string stream_prefix;
  std::tuple<std::int64_t, std::int64_t, std::uint64_t> after;  // events up to here were given
  std::string fingerprint;  // of all but the limit and the token: a token is good for the same question only
};

// `word word "quoted words"`: all must occur. Anything else of the pattern language is refused.
Outcome<std::vector<std::string>> read_pattern(std::string_view pattern) {
  std::vector<std::string> terms;
  if (pattern.size() > 1024) return invalid("filterPattern has at most 1,024 characters");
  while (!pattern.empty()) {
    if (pattern.front() == ' ') {
      pattern.remove_prefix(1);
      continue;
    }
    const bool quoted = pattern.front() == '"';
    if (quoted) pattern.remove_prefix(1);
    const std::size_t end = pattern.find(quoted ? '"' : ' ');
    if (quoted && end == std::string_view::npos)
      return invalid("Invalid filter pattern: a quotation mark is not closed");
    const std::string_view term = pattern.substr(0, end);
    const auto plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    if (!quoted && !std::ranges::all_of(term, plain))
      return invalid(
          "Invalid filter pattern: the sandbox takes words of letters, digits and _, and quoted terms, all "
          "of which must occur");
    if (term.find('\\') != std::string_view::npos)
      return invalid("Invalid filter pattern: the sandbox takes no escapes");
    if (!term.empty()) terms.emplace_back(term);
    pattern.remove_prefix(end == std::string_view::npos ? pattern.size() : end + 1);
  }
  return terms;
}

Outcome<std::string> filtered_group(const Call& call, const json::Value& input) {
  DEPUTY_TRY(const auto identifier, optional_text(input, "logGroupIdentifier"));
  if (!identifier) return group_name(input);
  if (input.find("logGroupName")) return invalid("Give logGroupName or logGroupIdentifier, not both");
  const std::string prefix = call.caller.account->arn("logs", "log-group:", call.region);
  std::string name = identifier->starts_with(prefix) ? identifier->substr(prefix.size()) : *identifier;
  if (!is_log_group_name(name))
    return invalid("logGroupIdentifier is not the name or the ARN of a log group of this account and Region");
  return name;
}

std::optional<Fault> read_stream_choice(const json::Value& input, Filter& filter) {
  const json::Value* const names = input.find("logStreamNames");
  auto prefix = optional_text(input, "logStreamNamePrefix");
  if (!prefix) return std::move(prefix).error();
  if (names && prefix.value()) return invalid("Give logStreamNames or logStreamNamePrefix, not both");
  filter.stream_prefix = prefix.value().value_or("");
  if (!names) return std::nullopt;
  if (!names->is(json::Kind::array) || names->elements.empty() || names->elements.size() > 100)
    return invalid("logStreamNames has 1 to 100 members");
  for (const json::Value& name : names->elements) filter.streams.insert(name.text);
  return std::nullopt;
}

std::string fingerprint(const Filter& filter) {
  std::string all =
      fmt::format("{}|{}|{}|{}", filter.group, filter.start_ms, filter.end_ms, filter.stream_prefix);
  for (const std::string& term : filter.terms) all += "|t" + term;
  for (const std::string& stream : filter.streams) all += "|s" + stream;
  return fmt::format("{:016x}", std::hash<std::string>{}(all));
}

// `timestamp.ingestion.number.fingerprint` of the last event that was given.
std::optional<Fault> read_token(std::string_view token, Filter& filter) {
  Fault wrong = invalid("The specified nextToken is invalid.");
  std::array<std::int64_t, 3> numbers{};
  for (std::int64_t& part : numbers) {
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), part);
    if (error != std::errc{} || end == token.data() + token.size() || *end != '.') return wrong;
    token.remove_prefix(static_cast<std::size_t>(end - token.data()) + 1);
  }
  if (token != filter.fingerprint) return wrong;
  filter.after = {numbers[0], numbers[1], static_cast<std::uint64_t>(numbers[2])};
  return std::nullopt;
}

Outcome<Filter> read_filter(const Call& call, const json::Value& input) {
  if (auto fault = refuse_all_but(
          input, {"logGroupName", "logGroupIdentifier", "logStreamNames", "logStreamNamePrefix", "startTime",
                  "endTime", "filterPattern", "nextToken", "limit", "interleaved"}))
    return *std::move(fault);
  Filter filter;
  DEPUTY_TRY(filter.group, filtered_group(call, input));
  DEPUTY_TRY(const auto start, number(input, "startTime"));
  DEPUTY_TRY(const auto end, number(input, "endTime"));
  filter.start_ms = start.value_or(filter.start_ms);
  filter.end_ms = end.value_or(filter.end_ms);
  if (filter.start_ms < 0 || filter.end_ms < 0) return invalid("startTime and endTime are not negative");
  if (filter.end_ms < filter.start_ms) return invalid("endTime is before startTime");
  DEPUTY_TRY(filter.limit, page_size(input, 10'000, 10'000));
  DEPUTY_TRY(const auto pattern, optional_text(input, "filterPattern"));
  DEPUTY_TRY(filter.terms, read_pattern(pattern.value_or("")));
  if (auto fault = read_stream_choice(input, filter)) return *std::move(fault);
  filter.fingerprint = fingerprint(filter);
  filter.after = {filter.start_ms, -1, 0};
  DEPUTY_TRY(const auto token, optional_text(input, "nextToken"));
  if (token)
    if (auto fault = read_token(*token, filter)) return *std::move(fault);
  return filter;
}

struct Match {
  const LogStream* stream;
  const LogEvent* event;
};

// The events that the filter asks for, one more than its limit, in order.
std::vector<Match> matches_of(const LogGroup& group, const Filter& filter) {
  std::vector<Match> matches;
  for (const auto& [name, stream] : group.streams) {
    if (!filter.streams.empty() && !filter.streams.contains(name)) continue;
    if (!name.starts_with(filter.stream_prefix)) continue;
    std::size_t taken = 0;
    for (auto event = std::ranges::upper_bound(stream.events, filter.after, {}, &LogEvent::order);
         event != stream.events.end() && event->timestamp_ms <= filter.end_ms && taken <= filter.limit;
         ++event) {
      const auto has = [&](const std::string& term) {
        return event->message.find(term) != std::string::npos;
      };
      if (!std::ranges::all_of(filter.terms, has)) continue;
      matches.push_back({&stream, &*event});
      ++taken;
    }
  }
  std::ranges::sort(matches, {}, [](const Match& match) { return match.event->order(); });
  if (matches.size() > filter.limit + 1) matches.resize(filter.limit + 1);
  return matches;
}

Outcome<Reply> filter_events(World& world, const Call& call, const json::Value& input) {
  DEPUTY_TRY(const Filter filter, read_filter(call, input));
  if (auto fault = denied_on_group(world, call, filter.group)) return *std::move(fault);
  const LogGroup* const group = find_group(call, filter.group);
  if (!group) return no_such_group();
  if (group->log_class == "INFREQUENT_ACCESS")
    return invalid(
        "The FilterLogEvents operation is not supported for log groups of the class INFREQUENT_ACCESS.");
  boost::json::array events;
  boost::json::object answer;
  std::size_t bytes = 0;
  const LogEvent* last = nullptr;
  for (const Match& match : matches_of(*group, filter)) {
    bytes += match.event->message.size() + 100;
    if (events.size() == filter.limit || (last && bytes > answer_bytes_max)) {
      answer["nextToken"] = fmt::format("{}.{}.{}.{}", last->timestamp_ms, last->ingestion_ms, last->number,
                                        filter.fingerprint);
      break;
    }
    last = match.event;
    events.push_back(
        {{"logStreamName", match.stream->name},
         {"timestamp", match.event->timestamp_ms},
         {"message", match.event->message},
         {"ingestionTime", match.event->ingestion_ms},
         {"eventId", fmt::format("{:020}{:036}", match.event->timestamp_ms, match.event->number)}});
  }
  answer["events"] = std::move(events);
  answer["searchedLogStreams"] = boost::json::array{};
  return Reply{.body = to_text(answer), .headers = {}};
}

using Operation = Outcome<Reply> (*)(World&, const Call&, const json::Value&);
constexpr std::array<std::pair<std::string_view, Operation>, 6> operations{{
    {"CreateLogGroup", create_group},
    {"CreateLogStream", create_stream},
    {"PutLogEvents", put_events},
    {"DescribeLogGroups", describe_groups},
    {"DescribeLogStreams", describe_streams},
    {"FilterLogEvents", filter_events},
}};

}  // namespace

Outcome<Reply> answer_logs(World& world, const Call& call, const json::Value& input) {
  for (const auto& [name, operation] : operations)
    if (name == call.operation) return operation(world, call, input);
  return Fault{400, "UnknownOperationException", {}};
}

}  // namespace deputy::sandbox
