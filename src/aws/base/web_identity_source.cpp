#include "aws/base/bounded_file.hpp"
#include "aws/base/web_identity.hpp"
#include "aws/endpoints.hpp"
#include "aws/sts.hpp"

namespace deputy::aws {
namespace {

constexpr std::size_t token_bytes_max = 20'000;  // STS's own limit

Result<SecretString> read_token(const std::string& path) {
  auto read = read_bounded_file(path, token_bytes_max);
  if (!read) return broken_source("the token file " + read.error().message);
  if (!read.value()) return broken_source("the token file " + in_backticks(path) + " is not there");
  std::string& text = *read.value();
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  const bool is_token = text.size() >= 4 && text.find_first_not_of(
                                                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
                                                "pqrstuvwxyz0123456789+/=_.-~") == std::string::npos;
  SecretString token = SecretString::take(text);
  if (!is_token) return broken_source("the token file " + in_backticks(path) + " holds no token");
  return token;
}

// AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME.
class WebIdentitySource final : public CredentialSource {
 public:
  explicit WebIdentitySource(const SourceContext& context) : context_(context) {}

  std::string_view name() const override { return "web identity"; }

  Task<Result<Found>> fetch(std::stop_token) override {
    const auto token_file = non_empty(context_.environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
    if (!token_file) co_return Found{NotConfigured{"AWS_WEB_IDENTITY_TOKEN_FILE is not set"}};
    DEPUTY_CO_TRY(auto identity, configured(*token_file));
    const Environment& environment = context_.environment;
    auto region_work = [&environment] { return configured_region(environment); };
    auto region = co_await run_on(context_.pool, context_.caller.loop, region_work);
    if (!region) co_return prefixed("the Region", std::move(region).error());
    const Region where = sts_region(context_, region.value(), identity.role_arn);
    DEPUTY_CO_TRY(auto credentials, co_await assume_with_web_identity(context_, std::move(identity), where));
    co_return Found{Supply{std::move(credentials), std::nullopt}};
  }

 private:
  Result<WebIdentity> configured(const std::string& token_file) const {
    const auto arn = non_empty(context_.environment, "AWS_ROLE_ARN");
    if (!arn) return broken_source("AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
    auto role = RoleArn::parse(*arn);
    if (!role) return broken_source("AWS_ROLE_ARN: " + role.error().message);
    const auto session = non_empty(context_.environment, "AWS_ROLE_SESSION_NAME");
    auto name = session ? SessionName::parse(*session) : Result<SessionName>{default_session_name()};
    if (!name) return broken_source("AWS_ROLE_SESSION_NAME: " + name.error().message);
    return WebIdentity{token_file, std::move(role).value(), std::move(name).value()};
  }

  const SourceContext context_;
};

}  // namespace

Region sts_region(const SourceContext& context, const std::optional<Region>& configured,
                  const RoleArn& role) {
  if (context.region) return *context.region;
  return configured ? *configured : iam_signing_region(role.partition());
}

Error sts_failure(std::string_view action, const RoleArn& role, const AwsError& error) {
  std::string reason = "sts:" + std::string{action} + " of " + role.text() + ": " + in_backticks(error.code);
  if (error.status != 0) reason += " (" + std::to_string(error.status) + ")";
  if (!error.request_id.empty()) reason += ", request " + in_backticks(error.request_id);
  if (!error.message.empty()) reason += ": " + in_backticks(error.message);
  return broken_source(std::move(reason));
}

SessionName default_session_name() {
  return SessionName::parse("deputy").value();
}

Task<Result<Credentials>> assume_with_web_identity(SourceContext context, WebIdentity identity,
                                                   Region region) {
  const std::string path = identity.token_file;
  auto token_work = [&path] { return read_token(path); };
  DEPUTY_CO_TRY(auto token, co_await run_on(context.pool, context.caller.loop, token_work));
  WebIdentityRequest request{.role_arn = identity.role_arn,
                             .session_name = identity.session_name,
                             .duration = identity.duration,
                             .token = std::move(token)};
  auto assumed =
      co_await assume_role_with_web_identity(context.caller, std::move(request), std::move(region));
  if (!assumed) co_return sts_failure("AssumeRoleWithWebIdentity", identity.role_arn, assumed.error());
  co_return std::move(assumed.value().credentials);
}

std::unique_ptr<CredentialSource> web_identity_source(const SourceContext& context) {
  return std::make_unique<WebIdentitySource>(context);
}

}  // namespace deputy::aws
