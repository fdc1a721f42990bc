#include "fake_cloud.hpp"

#include "logs/pace.hpp"

#include <algorithm>
#include <cmath>

#include "json/text.hpp"

namespace deputy::logs {
namespace {

std::chrono::sys_seconds date_of(std::int64_t now_ms) {
  return std::chrono::floor<std::chrono::seconds>(EventTime{std::chrono::milliseconds{now_ms}});
}

}  // namespace

std::int64_t FakeCloud::now_ms() const {
  const auto since = std::chrono::floor<std::chrono::milliseconds>(clock_.steady_now().time_since_epoch());
  return (began_ + since).count();
}

WrittenGroup& FakeCloud::create(const std::string& account, const std::string& region,
                                const std::string& name) {
  WrittenGroup& group = groups_[{account, region}][name];
  group = {.account = account, .region = region, .name = name, .created_ms = now_ms()};
  return group;
}

void FakeCloud::remove(const std::string& account, const std::string& region, const std::string& name) {
  groups_[{account, region}].erase(name);
}

WrittenGroup* FakeCloud::find(const std::string& arn) {
  for (auto& [place, groups] : groups_) {
    const std::string prefix = "arn:aws:logs:" + place.second + ":" + place.first + ":log-group:";
    if (!arn.starts_with(prefix)) continue;
    const auto found = groups.find(arn.substr(prefix.size()));
    return found == groups.end() ? nullptr : &found->second;
  }
  return nullptr;
}

void FakeCloud::write(WrittenGroup& group, std::int64_t timestamp_ms, std::int64_t visible_ms,
                      std::string message) {
  ++events_written;
  std::string id = std::to_string(++numbers_);
  id.insert(0, 56 - id.size(), '0');
  group.events.emplace(timestamp_ms, WrittenEvent{.id = std::move(id),
                                                  .stream = "stream-" + std::to_string(numbers_ % 3),
                                                  .message = std::move(message),
                                                  .timestamp_ms = timestamp_ms,
                                                  .ingestion_ms = visible_ms,
                                                  .visible_ms = visible_ms});
}

aws::AwsResult<aws::FilterLogEventsAnswer> FakeCloud::error(aws::AwsErrorClass error_class,
                                                            std::string code) {
  ++faults_done;
  return aws::AwsError{
      .error_class = error_class, .status = 400, .code = std::move(code), .message = "told to"};
}

void FakeCloud::count_call(const std::string& account, const std::string& region) {
  ++calls;
  auto& recent = recent_calls_[account + region];
  const std::int64_t now =
      std::chrono::floor<std::chrono::milliseconds>(clock_.steady_now().time_since_epoch()).count();
  while (!recent.empty() && recent.front() <= now - 1000) recent.pop_front();
  recent.push_back(now);
  const double allowed = filter_log_events_quota(Region::parse(region).value()) * quota_share;
  if (static_cast<double>(recent.size()) > std::ceil(allowed))
    broken.push_back(std::to_string(recent.size()) + " calls in a second in the account " + account);
}

aws::AwsResult<aws::FilterLogEventsAnswer> FakeCloud::filter(const std::string& account,
                                                             const aws::FilterLogEventsRequest& request) {
  using aws::AwsErrorClass;
  WrittenGroup* const group = find(request.group_arn);
  if (const auto from = forbidden.find(account);
      from != forbidden.end() && clock_.steady_now() > from->second)
    broken.push_back("a call with the credentials of a suspended connection");
  if (const auto from = unnamed.find(request.group_arn);
      from != unnamed.end() && clock_.steady_now() > from->second)
    broken.push_back("a call for a log group that no pattern names any more");
  if (chance(faults.no_answer)) return error(AwsErrorClass::unavailable, "Timeout");
  if (chance(faults.throttle)) return error(AwsErrorClass::throttled, "ThrottlingException");
  if (chance(faults.unavailable)) return error(AwsErrorClass::unavailable, "ServiceUnavailableException");
  if (chance(faults.expired)) return error(AwsErrorClass::caller_credentials, "ExpiredTokenException");
  if (chance(faults.denied)) return error(AwsErrorClass::access_denied, "AccessDeniedException");
  if (group == nullptr) return error(AwsErrorClass::not_found, "ResourceNotFoundException");
  if (group->account != account) {
    broken.push_back("the credentials of " + account + " asked for " + request.group_arn);
    return error(AwsErrorClass::access_denied, "AccessDeniedException");
  }
  if (request.end_ms < request.start_ms) broken.push_back("a window that ends before it begins");
  const std::string question = std::to_string(request.start_ms) + "/" + std::to_string(request.end_ms) + "/" +
                               std::to_string(group->created_ms) + "|";
  std::tuple<std::int64_t, std::int64_t, std::string> after{request.start_ms, -1, ""};
  if (!request.next_token.empty()) {
    if (!request.next_token.starts_with(question) || chance(faults.refuse_token))
      return error(AwsErrorClass::invalid_request, "InvalidParameterException");
    const std::string rest = request.next_token.substr(question.size());
    const std::size_t first = rest.find('/'), second = rest.find('/', first + 1);
    after = {std::stoll(rest.substr(0, first)), std::stoll(rest.substr(first + 1)), rest.substr(second + 1)};
  }

  const std::int64_t now = now_ms();
  std::vector<const WrittenEvent*> visible;
  for (auto each = group->events.lower_bound(std::get<0>(after));
       each != group->events.end() && each->first <= request.end_ms; ++each)
    if (each->second.visible_ms <= now && each->second.order() > after) visible.push_back(&each->second);
  std::ranges::sort(visible, {}, [](const WrittenEvent* event) { return event->order(); });
  std::size_t count = std::min(visible.size(), page_events_max);
  if (count > 0 && chance(faults.partial_page))
    count = static_cast<std::size_t>(uniform(1, static_cast<std::int64_t>(count)));
  bool more = count < visible.size();
  if (chance(faults.empty_page)) {
    count = 0;
    more = true;  // also after the last event: only a missing token ends the window
  }
  std::string body = R"({"events":[)";
  for (std::size_t i = 0; i < count; ++i) {
    const WrittenEvent& event = *visible[i];
    if (i > 0) body += ",";
    body += R"({"logStreamName":")" + event.stream + R"(","timestamp":)" +
            std::to_string(event.timestamp_ms) + R"(,"message":)" + json::in_quotes(event.message) +
            R"(,"ingestionTime":)" + std::to_string(event.ingestion_ms) + R"(,"eventId":")" + event.id +
            R"("})";
    after = event.order();
  }
  body += "]";
  if (more)
    body += R"(,"nextToken":")" + question + std::to_string(std::get<0>(after)) + "/" +
            std::to_string(std::get<1>(after)) + "/" + std::get<2>(after) + R"(")";
  return aws::FilterLogEventsAnswer{body + "}", date_of(now), "req"};
}

aws::AwsResult<aws::LogGroupPage> FakeCloud::describe(const std::string& account, const std::string& region,
                                                      const std::string& prefix, const std::string& token) {
  if (chance(faults.throttle)) {
    ++faults_done;
    return aws::AwsError{
        .error_class = aws::AwsErrorClass::throttled, .status = 400, .code = "ThrottlingException"};
  }
  aws::LogGroupPage page;
  page.date = date_of(now_ms());
  for (const auto& [name, group] : groups_[{account, region}]) {
    if (!name.starts_with(prefix) || (!token.empty() && name <= token)) continue;
    if (page.groups.size() == describe_page_max) {
      page.next_token = page.groups.back().name;
      break;
    }
    page.groups.push_back({name, group.arn(), group.log_class, group.created_ms});
  }
  return page;
}

}  // namespace deputy::logs
