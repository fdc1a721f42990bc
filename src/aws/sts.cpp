#include "aws/sts.hpp"

#include <string_view>

#include "aws/sts_answer.hpp"

namespace deputy::aws {
namespace {

// Both calls change nothing at AWS, so they may be sent again.
Call sts_call(std::string_view action, const std::vector<std::pair<std::string, std::string>>& parameters,
              Region region) {
  std::string body = "Action=" + std::string{action} + "&Version=2011-06-15";
  for (const auto& [name, value] : parameters)
    body.append("&").append(name).append("=").append(uri_encode(value, false));
  return {.service = "sts",
          .signing_name = "sts",
          .region = std::move(region),
          .query = {},
          .headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}},
          .body = std::move(body)};
}

std::vector<std::pair<std::string, std::string>> parameters_of(const AssumeRoleRequest& request) {
  std::vector<std::pair<std::string, std::string>> parameters{
      {"RoleArn", request.role_arn.text()},
      {"RoleSessionName", request.session_name.text()},
      {"DurationSeconds", std::to_string(request.duration.count())},
  };
  if (request.external_id) parameters.emplace_back("ExternalId", request.external_id->text());
  if (request.session_policy) parameters.emplace_back("Policy", *request.session_policy);
  if (request.source_identity) parameters.emplace_back("SourceIdentity", request.source_identity->text());
  int number = 0;
  for (const auto& [key, value] : request.tags) {
    const std::string member = "Tags.member." + std::to_string(++number);
    parameters.emplace_back(member + ".Key", key);
    parameters.emplace_back(member + ".Value", value);
  }
  return parameters;
}

class QuerySts final : public Sts {
 public:
  explicit QuerySts(const Caller& caller) : caller_(caller) {}

  Task<AwsResult<AssumedRole>> assume_role(AssumeRoleRequest request, Region region,
                                           Credentials credentials) override {
    auto answer = co_await perform(caller_, sts_call("AssumeRole", parameters_of(request), std::move(region)),
                                   std::move(credentials));
    if (answer.has_error()) co_return std::move(answer).error();
    co_return read_assumed_role(std::move(answer).value(), request, caller_.clock.now());
  }

  Task<AwsResult<CallerIdentity>> get_caller_identity(Region region, Credentials credentials) override {
    auto answer = co_await perform(caller_, sts_call("GetCallerIdentity", {}, std::move(region)),
                                   std::move(credentials));
    if (answer.has_error()) co_return std::move(answer).error();
    co_return read_caller_identity(std::move(answer).value());
  }

 private:
  const Caller caller_;
};

}  // namespace

Task<AwsResult<AssumedRole>> assume_role_with_web_identity(const Caller& caller, WebIdentityRequest request,
                                                           Region region) {
  Call call = sts_call("AssumeRoleWithWebIdentity",
                       {{"RoleArn", request.role_arn.text()},
                        {"RoleSessionName", request.session_name.text()},
                        {"DurationSeconds", std::to_string(request.duration.count())}},
                       std::move(region));
  std::string token = uri_encode(request.token.reveal(), false);
  std::string body;
  body.reserve(call.body.size() + token.size() + 32);  // at once, so that no outgrown buffer keeps the token
  body.append(call.body).append("&WebIdentityToken=").append(token);
  wipe(token);
  call.body = std::move(body);
  auto answer = co_await perform_unsigned(caller, std::move(call), std::move(request.token));
  if (answer.has_error()) co_return std::move(answer).error();
  co_return read_web_identity_role(std::move(answer).value(), request, caller.clock.now());
}

std::unique_ptr<Sts> make_sts(const Caller& caller) {
  return std::make_unique<QuerySts>(caller);
}

}  // namespace deputy::aws
