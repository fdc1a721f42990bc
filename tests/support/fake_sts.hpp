#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "aws/sts.hpp"

namespace deputy {

// An STS whose answers a test scripts: one function per call. It records what it was asked, in order. A call
// that has no function fails as `other`/`NotScripted`, so that nothing succeeds by default. Use on one loop's
// thread; it must outlive the calls.
class FakeSts final : public aws::Sts {
 public:
  struct AssumeRoleCall {
    aws::AssumeRoleRequest request;
    Region region;
    aws::Credentials credentials;
  };
  struct CallerIdentityCall {
    Region region;
    aws::Credentials credentials;
  };

  std::function<aws::AwsResult<aws::AssumedRole>(const AssumeRoleCall&)> on_assume_role;
  std::function<aws::AwsResult<aws::CallerIdentity>(const CallerIdentityCall&)> on_get_caller_identity;
  // Awaited before each answer where set: to hold answers back, or to let the loop turn (`return
  // sleep_for(...)` in a coroutine of the test's).
  std::function<Task<void>()> before_answer;

  std::vector<AssumeRoleCall> assume_role_calls;
  std::vector<CallerIdentityCall> caller_identity_calls;

  Task<aws::AwsResult<aws::AssumedRole>> assume_role(aws::AssumeRoleRequest request, Region region,
                                                     aws::Credentials credentials) override {
    const AssumeRoleCall call{std::move(request), std::move(region), std::move(credentials)};
    assume_role_calls.push_back(call);
    if (before_answer) co_await before_answer();
    if (!on_assume_role) co_return error(aws::AwsErrorClass::other, 0, "NotScripted");
    co_return on_assume_role(call);
  }

  Task<aws::AwsResult<aws::CallerIdentity>> get_caller_identity(Region region,
                                                                aws::Credentials credentials) override {
    const CallerIdentityCall call{std::move(region), std::move(credentials)};
    caller_identity_calls.push_back(call);
    if (before_answer) co_await before_answer();
    if (!on_get_caller_identity) co_return error(aws::AwsErrorClass::other, 0, "NotScripted");
    co_return on_get_caller_identity(call);
  }

  // What STS answers when it consents: `serial` tells sessions apart (`ASIAFAKE00000007`).
  static aws::AssumedRole session(const aws::AssumeRoleRequest& request, Timestamp expires_at,
                                  int serial = 1) {
    const std::string number = std::to_string(serial);
    const std::string digits = std::string(8 - std::min<std::size_t>(8, number.size()), '0') + number;
    return {.credentials = {.access_key_id = "ASIAFAKE" + digits,
                            .secret_access_key = SecretString{"fake-secret-" + digits},
                            .session_token = SecretString{"fake-token-" + digits},
                            .expires_at = expires_at},
            .assumed_role_arn = session_arn(request.role_arn, request.session_name),
            .request_id = "fake-request-" + digits};
  }
  static aws::CallerIdentity identity(const RoleArn& role, const SessionName& session_name) {
    return {.account = role.account(),
            .arn = session_arn(role, session_name),
            .user_id = "AROAFAKEFAKEFAKEFAKE:" + session_name.text(),
            .request_id = "fake-request"};
  }
  static std::string session_arn(const RoleArn& role, const SessionName& session_name) {
    return "arn:" + std::string{to_text(role.partition())} + ":sts::" + role.account().text() +
           ":assumed-role/" + std::string{role.name()} + "/" + session_name.text();
  }

  static aws::AwsError denial() { return error(aws::AwsErrorClass::access_denied, 403, "AccessDenied"); }
  static aws::AwsError throttle() { return error(aws::AwsErrorClass::throttled, 400, "Throttling"); }
  static aws::AwsError no_answer() { return error(aws::AwsErrorClass::unavailable, 0, "Timeout"); }
  static aws::AwsError error(aws::AwsErrorClass error_class, int status, std::string code) {
    return {.error_class = error_class,
            .status = status,
            .code = std::move(code),
            .message = "scripted by the test",
            .request_id = "fake-request"};
  }
};

}  // namespace deputy
