#include "aws/logs.hpp"

#include <charconv>
#include <utility>

#include "aws/error_answer.hpp"
#include "json/reader.hpp"
#include "json/text.hpp"

namespace deputy::aws {
namespace {

constexpr std::size_t groups_bytes_max = 1024 * 1024;  // fifty groups, with long names and tags

AwsError malformed(const HttpResponse& response, std::string what) {
  return {.error_class = AwsErrorClass::unavailable,
          .status = response.status,
          .code = "MalformedResponse",
          .message = "the answer of CloudWatch Logs " + std::move(what),
          .request_id = request_id_of(response)};
}

Call call_of(std::string_view operation, Region region, std::string body) {
  return {.service = "logs",
          .signing_name = "logs",
          .region = std::move(region),
          .query = {},
          .headers = {{"content-type", "application/x-amz-json-1.1"},
                      {"x-amz-target", "Logs_20140328." + std::string{operation}}},
          .body = std::move(body)};
}

std::string text_of(const json::Value& object, std::string_view name) {
  const json::Value* const member = object.find(name);
  return member != nullptr && member->is(json::Kind::string) ? member->text : std::string{};
}

// A whole number of milliseconds.
std::optional<std::int64_t> number_of(const json::Value& object, std::string_view name) {
  const json::Value* const member = object.find(name);
  if (member == nullptr || !member->is(json::Kind::number)) return std::nullopt;
  std::int64_t number = 0;
  const char* const end = member->text.data() + member->text.size();
  const auto [stopped, error] = std::from_chars(member->text.data(), end, number);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

AwsResult<LogGroupPage> read_groups(const HttpResponse& response) {
  const auto answer = json::read(response.body, {.bytes_max = groups_bytes_max});
  if (!answer || !answer.value().is(json::Kind::object)) return malformed(response, "is not JSON");
  const json::Value* const groups = answer.value().find("logGroups");
  if (groups == nullptr || !groups->is(json::Kind::array)) return malformed(response, "lists no log groups");
  const auto date = date_of(response);
  if (!date) return malformed(response, "has no Date");
  LogGroupPage page;
  page.date = *date;
  for (const json::Value& each : groups->elements) {
    LogGroupDetails group{.name = text_of(each, "logGroupName"),
                          .arn = text_of(each, "logGroupArn"),
                          .log_class = text_of(each, "logGroupClass")};
    // Older answers have the ARN with `:*` at its end only.
    if (group.arn.empty()) {
      group.arn = text_of(each, "arn");
      if (group.arn.ends_with(":*")) group.arn.resize(group.arn.size() - 2);
    }
    const auto created = number_of(each, "creationTime");
    if (group.name.empty() || group.arn.empty() || !created)
      return malformed(response, "lists a log group without its name, ARN or time of creation");
    group.created_ms = *created;
    page.groups.push_back(std::move(group));
  }
  page.next_token = text_of(answer.value(), "nextToken");
  return page;
}

std::string filter_body(const FilterLogEventsRequest& request) {
  std::string body = R"({"logGroupIdentifier":)";
  body += json::in_quotes(request.group_arn);
  body += R"(,"startTime":)" + std::to_string(request.start_ms);
  body += R"(,"endTime":)" + std::to_string(request.end_ms);
  body += R"(,"limit":)" + std::to_string(request.limit);
  if (!request.next_token.empty()) {
    body += R"(,"nextToken":)";
    body += json::in_quotes(request.next_token);
  }
  return body + "}";
}

class WireLogs final : public Logs {
 public:
  explicit WireLogs(const Caller& caller) : caller_(caller) {}

  Task<AwsResult<LogGroupPage>> describe_log_groups(std::string name_prefix, std::string next_token,
                                                    Region region, Credentials credentials) override {
    std::string body = R"({"limit":50)";
    if (!name_prefix.empty()) {
      body += R"(,"logGroupNamePrefix":)";
      body += json::in_quotes(name_prefix);
    }
    if (!next_token.empty()) {
      body += R"(,"nextToken":)";
      body += json::in_quotes(next_token);
    }
    auto answer = co_await perform(caller_, call_of("DescribeLogGroups", std::move(region), body + "}"),
                                   std::move(credentials));
    if (answer.has_error()) co_return std::move(answer).error();
    co_return read_groups(answer.value());
  }

  Task<AwsResult<FilterLogEventsAnswer>> filter_log_events(FilterLogEventsRequest request, Region region,
                                                           Credentials credentials) override {
    auto answer = co_await perform(
        caller_, call_of("FilterLogEvents", std::move(region), filter_body(request)), std::move(credentials));
    if (answer.has_error()) co_return std::move(answer).error();
    HttpResponse& response = answer.value();
    const auto date = date_of(response);
    // Windows end by AWS's clock; without it nothing can be said to have been read.
    if (!date) co_return malformed(response, "has no Date");
    std::string request_id = request_id_of(response);
    co_return FilterLogEventsAnswer{std::move(response.body), *date, std::move(request_id)};
  }

 private:
  const Caller caller_;
};

}  // namespace

std::unique_ptr<Logs> make_logs(const Caller& caller) {
  return std::make_unique<WireLogs>(caller);
}

}  // namespace deputy::aws
