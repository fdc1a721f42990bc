#pragma once

#include "support/fake_clock.hpp"
#include "support/fake_sts.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "aws/sts.hpp"

namespace deputy {

// One customer's role behind a FakeSts: `accepts` says which external IDs its trust policy lets in. What it
// refuses is AccessDenied, as is every other role. A test changes `accepts` or `trouble` while calls go on.
class ScriptedRole {
 public:
  using Accepts = std::function<bool(const std::optional<ExternalId>&)>;
  using Trouble = std::function<std::optional<aws::AwsError>(const FakeSts::AssumeRoleCall&)>;

  ScriptedRole(FakeSts& sts, FakeClock& clock, RoleArn arn) : arn_(std::move(arn)) {
    sts.on_assume_role = [this,
                          &clock](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
      if (trouble)
        if (auto error = trouble(call)) return *std::move(error);
      if (call.request.role_arn != arn_ || !accepts || !accepts(call.request.external_id))
        return FakeSts::denial();
      last_session_ = call.request.session_name;
      auto session = FakeSts::session(call.request, clock.now() + call.request.duration, ++sessions_);
      session.request_id = "fake-request";  // as every other answer's
      return session;
    };
    sts.on_get_caller_identity =
        [this](const FakeSts::CallerIdentityCall& call) -> aws::AwsResult<aws::CallerIdentity> {
      last_identity_key = call.credentials.access_key_id;
      return FakeSts::identity(identity.value_or(arn_), *last_session_);
    };
  }

  Accepts accepts;
  Trouble trouble;
  std::optional<RoleArn> identity;  // whom GetCallerIdentity names instead
  std::string last_identity_key;
  int sessions() const { return sessions_; }

  static Accepts only(ExternalId right) {
    return [right = std::move(right)](const std::optional<ExternalId>& id) { return id == right; };
  }
  static Accepts anything() {
    return [](const std::optional<ExternalId>&) { return true; };
  }

 private:
  RoleArn arn_;
  int sessions_ = 0;
  std::optional<SessionName> last_session_;
};

// The partner's base credentials, or the reason why there are none.
class FakeBaseCredentials final : public aws::CredentialsProvider {
 public:
  Task<Result<aws::Credentials>> get() override {
    if (broken) co_return Error{ErrorKind::upstream_unavailable, "no base credentials"};
    co_return credentials;
  }
  bool broken = false;
  aws::Credentials credentials{.access_key_id = "AKIAFAKEPARTNER", .secret_access_key = SecretString{"fake"}};
};

}  // namespace deputy
