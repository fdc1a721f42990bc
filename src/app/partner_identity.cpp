#include "app/partner_identity.hpp"

namespace deputy::app {
namespace {

constexpr std::string_view set_it =
    "; set `aws.partner_principal` to the ARN of the role that customers are to trust";

Error unknown_principal(const std::string& why, std::string detail) {
  return Error{ErrorKind::invalid_request, why + std::string{set_it}, std::move(detail)};
}

// `NAME` of `arn:PARTITION:sts::ACCOUNT:assumed-role/NAME/SESSION`; empty for every other ARN.
std::string role_name_of_session(std::string_view arn) {
  constexpr std::string_view marker = ":assumed-role/";
  const std::size_t begin = arn.find(marker);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = arn.substr(begin + marker.size());
  return std::string{rest.substr(0, rest.find('/'))};
}

}  // namespace

Task<Result<RoleArn>> find_partner_principal(const Config& config, Region region, aws::Sts& sts,
                                             aws::Iam& iam, aws::CredentialsProvider& base) {
  if (config.aws.partner_principal) co_return *config.aws.partner_principal;
  const auto credentials = co_await base.get();
  if (!credentials) co_return credentials.error();
  const auto identity = co_await sts.get_caller_identity(region, credentials.value());
  if (!identity) {
    const aws::AwsError& error = identity.error();
    co_return unknown_principal("AWS did not say who we are (" + error.code + ")", error.message);
  }
  const std::string role_name = role_name_of_session(identity.value().arn);
  if (role_name.empty())
    co_return unknown_principal("our AWS credentials are not those of a role", identity.value().arn);
  const auto role = co_await iam.get_role(role_name, region.partition(), credentials.value());
  if (!role)
    co_return unknown_principal("our role's path is not known (iam:GetRole: " + role.error().code + ")",
                                role.error().message);
  if (role.value().arn.account() != identity.value().account || role.value().arn.name() != role_name)
    co_return unknown_principal("IAM named another role", role.value().arn.text());
  co_return role.value().arn;
}

}  // namespace deputy::app
