// What AWS, or whoever answers in its place, may send: a session is whole or an error, only the exact code is
// a denial, and no answer's bytes stay behind.
#include <cstddef>
#include <cstdint>
#include <string>

#include "aws/base/credentials_document.hpp"
#include "aws/base/process.hpp"
#include "aws/error_answer.hpp"
#include "aws/shared_files.hpp"
#include "aws/sts_answer.hpp"
#include "core/assert.hpp"

namespace deputy::aws {
namespace {

void read_session(const std::string& body) {
  const AssumeRoleRequest request{.role_arn = RoleArn::parse("arn:aws:iam::111122223333:role/r").value(),
                                  .session_name = SessionName::parse("s1").value(),
                                  .external_id = std::nullopt,
                                  .duration = std::chrono::seconds{900},
                                  .session_policy = std::nullopt,
                                  .tags = {},
                                  .source_identity = std::nullopt};
  const Timestamp now{std::chrono::seconds{1'700'000'000}};
  const auto session = read_assumed_role({200, {}, body}, request, now);
  if (session.has_error()) {
    DEPUTY_ASSERT(session.error().error_class == AwsErrorClass::unavailable &&
                  session.error().code == "MalformedResponse");
    return;
  }
  const Credentials& credentials = session.value().credentials;
  DEPUTY_ASSERT(!credentials.access_key_id.empty() && !credentials.secret_access_key.empty());
  DEPUTY_ASSERT(!credentials.session_token.empty() && credentials.expires_at &&
                *credentials.expires_at > now);
  DEPUTY_ASSERT(session.value().assumed_role_arn == "arn:aws:sts::111122223333:assumed-role/r/s1");
}

void read_failure(const std::string& body, Protocol protocol, int status) {
  const Credentials credentials{"AKIA", SecretString{"Secret"}, SecretString{"Token"}, std::nullopt};
  const AwsError error = read_error({status, {}, body}, protocol, credentials);
  const bool may_be_denial = status == 403 || (status == 400 && protocol == Protocol::json);
  if (error.error_class == AwsErrorClass::access_denied) {
    DEPUTY_ASSERT(may_be_denial && body.find("AccessDenied") != std::string::npos);
    DEPUTY_ASSERT(error.code == (protocol == Protocol::json ? "AccessDeniedException" : "AccessDenied"));
  }
  DEPUTY_ASSERT(error.message.find_first_of("\r\n") == std::string::npos && error.message.size() <= 1'024);
  DEPUTY_ASSERT(error.message.find("Secret") == std::string::npos &&
                error.message.find("Token") == std::string::npos);
}

void read_documents(const std::string& body) {
  const Timestamp now{std::chrono::seconds{1'700'000'000}};
  for (const DocumentForm form : {DocumentForm::process, DocumentForm::container, DocumentForm::instance}) {
    std::string text = body;
    const auto credentials = read_credentials_document(text, form, now);
    DEPUTY_ASSERT(text.empty());
    if (!credentials) continue;
    DEPUTY_ASSERT(!credentials.value().access_key_id.empty());
    DEPUTY_ASSERT(!credentials.value().secret_access_key.empty());
    const bool has_expiry = credentials.value().expires_at.has_value();
    DEPUTY_ASSERT(!has_expiry || *credentials.value().expires_at > now);
    DEPUTY_ASSERT(form == DocumentForm::process ||
                  (has_expiry && !credentials.value().session_token.empty()));
  }
}

}  // namespace
}  // namespace deputy::aws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deputy::aws;
  const std::string body{reinterpret_cast<const char*>(data), size};
  read_session(body);
  (void)read_caller_identity({200, {}, body});
  for (const int status : {400, 403, 500}) {
    for (const Protocol protocol : {Protocol::query, Protocol::rest_xml, Protocol::json})
      read_failure(body, protocol, status);
  }
  (void)parse_shared_file(body, SharedFileKind::config, "config");
  read_documents(body);
  (void)split_command(body);
  (void)shown_complaint(body);
  return 0;
}
