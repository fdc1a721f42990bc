#include "aws/sts_answer.hpp"

#include <algorithm>

#include "aws/error_answer.hpp"
#include "aws/xml.hpp"

namespace deputy::aws {
namespace {

constexpr std::size_t key_id_bytes_max = 128;
constexpr std::size_t secret_bytes_max = 1'024;
constexpr std::size_t token_bytes_max = 32 * 1024;

AwsError malformed(const std::string& request_id, int status, std::string what) {
  return {.error_class = AwsErrorClass::unavailable,
          .status = status,
          .code = "MalformedResponse",
          .message = "the answer of STS " + std::move(what),
          .request_id = request_id};
}

// Visible ASCII: it becomes part of header fields and of what workloads get.
bool is_presentable(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_key_id(std::string_view text) {
  return is_presentable(text, key_id_bytes_max) && text.find_first_of("/,;=\"'\\`") == std::string_view::npos;
}

std::string partition_and_account(std::string_view service, Partition partition, const AccountId& account) {
  return "arn:" + std::string{to_text(partition)} + ":" + std::string{service} + "::" + account.text() + ":";
}

// Does the session belong to the role that was asked for? The ARN of a session drops the role's path.
bool is_session_of(std::string_view arn, const RoleArn& role, const SessionName& session_name) {
  return arn == partition_and_account("sts", role.partition(), role.account()) + "assumed-role/" +
                    std::string{role.name()} + "/" + session_name.text();
}

bool is_arn_in(std::string_view arn, const AccountId& account) {
  for (const Partition partition : {Partition::aws, Partition::aws_us_gov, Partition::aws_cn}) {
    for (const std::string_view service : {"sts", "iam"}) {
      const std::string prefix = partition_and_account(service, partition, account);
      if (arn.starts_with(prefix) && is_presentable(arn.substr(prefix.size()), 1'024)) return true;
    }
  }
  return false;
}

std::string request_id_in(const XmlAnswer& answer, std::string_view root, std::string from_header) {
  if (!from_header.empty()) return from_header;
  const auto said = answer.text({root, "ResponseMetadata", "RequestId"}).value_or("");
  return is_presentable(said, 128) ? said : std::string{};
}

// What two calls are answered with, under names of their own.
struct Asked {
  std::string_view root;
  std::string_view result;
  const RoleArn& role_arn;
  const SessionName& session_name;
};

AwsResult<AssumedRole> read_session(HttpResponse response, const Asked& asked, Timestamp now) {
  const std::string_view root = asked.root, result = asked.result;
  std::string request_id = request_id_of(response);
  const auto answer = XmlAnswer::read(response.body);
  if (!answer) return malformed(request_id, response.status, "is not XML as STS sends it");
  request_id = request_id_in(*answer, root, std::move(request_id));

  const auto key_id = answer->text({root, result, "Credentials", "AccessKeyId"}).value_or("");
  if (!is_key_id(key_id)) return malformed(request_id, response.status, "holds no access key ID");
  const auto secret = answer->secret_text({root, result, "Credentials", "SecretAccessKey"}).value_or("");
  if (!is_presentable(secret, secret_bytes_max))
    return malformed(request_id, response.status, "holds no secret access key");
  const auto token = answer->secret_text({root, result, "Credentials", "SessionToken"}).value_or("");
  if (!is_presentable(token, token_bytes_max))
    return malformed(request_id, response.status, "holds no session token");
  const auto expires_at =
      parse_rfc3339(answer->text({root, result, "Credentials", "Expiration"}).value_or(""));
  if (expires_at.has_error()) return malformed(request_id, response.status, "holds no time of expiry");
  if (expires_at.value() <= now)
    return malformed(request_id, response.status, "holds credentials that have expired");
  const auto arn = answer->text({root, result, "AssumedRoleUser", "Arn"}).value_or("");
  if (!is_session_of(arn, asked.role_arn, asked.session_name))
    return malformed(request_id, response.status, "is about another role than the one asked for");

  return AssumedRole{.credentials = {.access_key_id = key_id,
                                     .secret_access_key = SecretString{secret},
                                     .session_token = SecretString{token},
                                     .expires_at = expires_at.value(),
                                     .is_role_session = true},
                     .assumed_role_arn = arn,
                     .request_id = request_id};
}

}  // namespace

AwsResult<AssumedRole> read_assumed_role(HttpResponse response, const AssumeRoleRequest& request,
                                         Timestamp now) {
  return read_session(std::move(response),
                      {"AssumeRoleResponse", "AssumeRoleResult", request.role_arn, request.session_name},
                      now);
}

AwsResult<AssumedRole> read_web_identity_role(HttpResponse response, const WebIdentityRequest& request,
                                              Timestamp now) {
  return read_session(std::move(response),
                      {"AssumeRoleWithWebIdentityResponse", "AssumeRoleWithWebIdentityResult",
                       request.role_arn, request.session_name},
                      now);
}

AwsResult<CallerIdentity> read_caller_identity(HttpResponse response) {
  constexpr std::string_view root = "GetCallerIdentityResponse", result = "GetCallerIdentityResult";
  std::string request_id = request_id_of(response);
  const auto answer = XmlAnswer::read(response.body);
  if (!answer) return malformed(request_id, response.status, "is not XML as STS sends it");
  request_id = request_id_in(*answer, root, std::move(request_id));

  auto account = AccountId::parse(answer->text({root, result, "Account"}).value_or(""));
  if (account.has_error()) return malformed(request_id, response.status, "holds no account");
  const auto arn = answer->text({root, result, "Arn"}).value_or("");
  if (!is_arn_in(arn, account.value()))
    return malformed(request_id, response.status, "holds no ARN in the account it names");
  const auto user_id = answer->text({root, result, "UserId"}).value_or("");
  if (!is_presentable(user_id, 256)) return malformed(request_id, response.status, "holds no user ID");
  return CallerIdentity{
      .account = std::move(account).value(), .arn = arn, .user_id = user_id, .request_id = request_id};
}

}  // namespace deputy::aws
