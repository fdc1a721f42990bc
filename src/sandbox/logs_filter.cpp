#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <functional>
#include <iterator>
#include <limits>
#include <tuple>

#include "sandbox/log_generator.hpp"
#include "sandbox/log_input.hpp"
#include "sandbox/log_store.hpp"

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
namespace deputy::sandbox {
namespace {

using namespace log_input;  // NOLINT(google-build-using-namespace): this file's own words

constexpr std::size_t answer_bytes_max = 1024 * 1024;
constexpr std::int64_t token_life_ms = 24LL * 3600 * 1000;

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
  std::int64_t now_ms = 0;
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

// `timestamp.ingestion.number.issued.fingerprint` of the last event that was given.
std::optional<Fault> read_token(std::string_view token, Filter& filter) {
  Fault wrong = invalid("The specified nextToken is invalid.");
  std::array<std::int64_t, 4> numbers{};
  for (std::int64_t& part : numbers) {
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), part);
    if (error != std::errc{} || end == token.data() + token.size() || *end != '.') return wrong;
    token.remove_prefix(static_cast<std::size_t>(end - token.data()) + 1);
  }
  if (token != filter.fingerprint || filter.now_ms - numbers[3] > token_life_ms) return wrong;
  filter.after = {numbers[0], numbers[1], static_cast<std::uint64_t>(numbers[2])};
  return std::nullopt;
}

Outcome<Filter> read_filter(const World& world, const Call& call, const json::Value& input) {
  if (auto fault = refuse_all_but(
          input, {"logGroupName", "logGroupIdentifier", "logStreamNames", "logStreamNamePrefix", "startTime",
                  "endTime", "filterPattern", "nextToken", "limit", "interleaved"}))
    return *std::move(fault);
  Filter filter;
  filter.now_ms = std::chrono::floor<std::chrono::milliseconds>(world.clock.now().time_since_epoch()).count();
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
  if (token && call.refuse_token) return invalid("The specified nextToken is invalid.");
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
      if (event->visible_ms > filter.now_ms || !std::ranges::all_of(filter.terms, has)) continue;
      matches.push_back({&stream, &*event});
      ++taken;
    }
  }
  std::ranges::sort(matches, {}, [](const Match& match) { return match.event->order(); });
  if (matches.size() > filter.limit + 1) matches.resize(filter.limit + 1);
  return matches;
}

}  // namespace

Outcome<Reply> filter_log_events(World& world, const Call& call, const json::Value& input) {
  DEPUTY_TRY(Filter filter, read_filter(world, call, input));
  if (auto fault = denied_on_group(world, call, filter.group)) return *std::move(fault);
  const LogGroup* const group = find_group(call, filter.group);
  if (!group) return no_such_group();
  if (group->log_class == "INFREQUENT_ACCESS")
    return invalid(
        "The FilterLogEvents operation is not supported for log groups of the class INFREQUENT_ACCESS.");
  if (group->generator.per_second > 0)
    return Reply{.body = generated_page(*group, {.start_ms = filter.start_ms,
                                                 .end_ms = filter.end_ms,
                                                 .now_ms = filter.now_ms,
                                                 .after = std::get<2>(filter.after),
                                                 .limit = filter.limit,
                                                 .bytes_max = answer_bytes_max,
                                                 .fingerprint = filter.fingerprint}),
                 .headers = {}};

  const auto matches = matches_of(*group, filter);
  std::size_t most = std::min(filter.limit, matches.size());
  if (call.short_page) most = uniform(world.random, most + 1);
  std::string body = R"({"events":[)";
  std::size_t bytes = 0, given = 0;
  for (; given < most; ++given) {
    const auto& [stream, event] = matches[given];
    bytes += event->message.size() + event_overhead_bytes;
    if (given > 0 && bytes > answer_bytes_max) break;
    if (given > 0) body += ',';
    body += R"({"logStreamName":)";
    append_json_text(body, stream->name);
    fmt::format_to(std::back_inserter(body), R"(,"timestamp":{},"message":)", event->timestamp_ms);
    append_json_text(body, event->message);
    fmt::format_to(std::back_inserter(body), R"(,"ingestionTime":{},"eventId":"{:020}{:036}"}})",
                   event->ingestion_ms, event->timestamp_ms, event->number);
    filter.after = event->order();
  }
  body += R"(],"searchedLogStreams":[])";
  // A page may be short, or empty, and the window goes on: also after its last event.
  if (given < matches.size() || call.short_page)
    fmt::format_to(std::back_inserter(body), R"(,"nextToken":"{}.{}.{}.{}.{}")", std::get<0>(filter.after),
                   std::get<1>(filter.after), std::get<2>(filter.after), filter.now_ms, filter.fingerprint);
  return Reply{.body = body + "}", .headers = {}};
}

}  // namespace deputy::sandbox
