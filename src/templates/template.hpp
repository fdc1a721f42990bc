#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/identifiers.hpp"
#include "core/result.hpp"

// The role that a customer makes for one connection, written for CloudFormation, Terraform and the AWS CLI
// from one description. Pure functions, safe from any thread; values in, text out. Every value is escaped for
// its format: names and reasons may be hostile.
namespace deputy::templates {

// How the customer's role names the partner: by its exact role, or by its account with a condition on the
// exact role (which survives that the partner's role is deleted and made anew:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
enum class TrustForm { role, account_with_principal_arn };
std::string_view to_text(TrustForm form);  // `role`, `account_with_principal_arn`
Result<TrustForm> parse_trust_form(std::string_view text);

// Whom the role trusts, and on which condition.
struct Trust {
  RoleArn partner_principal;
  ExternalId external_id;
  std::optional<ExternalId> next_external_id = std::nullopt;  // while rotating: either is accepted
  TrustForm form = TrustForm::role;
};

struct RoleDescription {
  IntegrationName integration;
  std::int64_t integration_version = 1;
  std::string integration_description = {};
  std::string policy_json;  // an identity policy that policy::Policy::read has accepted
  std::map<std::string, std::string> reasons = {};  // Sid → why it is needed, in plain words
  std::optional<std::string> role_name =
      std::nullopt;  // 1–64 of `[A-Za-z0-9_+=,.@-]`; by default one of Deputy's making
  Trust trust;
  TenantId tenant;
  std::string tenant_name;
  ConnectionId connection;
  std::optional<AccountId> account =
      std::nullopt;  // the customer's, where known: the CLI script then refuses to run in another
  // Lets the partner read this role and its policies, and nothing else: trust_policy and permissions are then
  // checked, not only probed. The customer can take it out with the parameter AllowSelfRead (allow_self_read,
  // ALLOW_SELF_READ).
  bool grants_self_read = true;
  std::chrono::seconds session_duration_max = std::chrono::hours{1};  // one to twelve hours, by IAM's rules
};

enum class Format { cloudformation, terraform, aws_cli };
std::string_view to_text(Format format);  // `cloudformation`, `terraform`, `aws-cli`
Result<Format> parse_format(std::string_view text);
std::string_view content_type_of(Format format);  // of an HTTP answer
std::string_view file_name_of(Format format);     // `deputy-role.yaml`, `.tf`, `.sh`

// Errors of all four: `invalid_request` for a role name, a duration or a policy that cannot be written (its
// keys or values would be read as instructions to CloudFormation, or it is not JSON).
Result<std::string> render(Format format, const RoleDescription& role);

// YAML of a plain kind: block style, string values in double quotes, the short tags !Ref, !Sub, !GetAtt,
// !Equals. Beyond 51,200 bytes, which CloudFormation refuses, an error.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
Result<std::string> cloudformation(const RoleDescription& role);
// One file, good as a module or alone. Terraform 1.2 or OpenTofu, provider hashicorp/aws 4 or later.
Result<std::string> terraform(const RoleDescription& role);
// A POSIX shell script that makes the role, or mends it where it was made for the same connection, and prints
// its ARN alone on standard output.
Result<std::string> aws_cli(const RoleDescription& role);

// The trust policy as a JSON document, indented by two spaces; exactly what the templates above result in.
std::string trust_policy_json(const Trust& trust);
inline std::string trust_policy_json(const RoleDescription& role) {
  return trust_policy_json(role.trust);
}
// Its Condition alone, for a diagnosis that says what to add.
std::string trust_condition_json(const Trust& trust);

// `deputy-log-reader-3f2a…`: the stack's name, and the role's where the integration gives none. A letter,
// then letters, digits and hyphens, 64 at most; the same for the same connection.
std::string default_role_name(const IntegrationName& integration, const ConnectionId& connection);

// The CloudFormation console's quick-create link with the external ID filled in. `template_url` must be an
// HTTPS URL of S3, 1,024 characters at most, that holds this connection's template. Errors:
// `invalid_request`; also for a Region outside the partner's partition, where the trust could not work.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stacks-quick-create-links.html
// `console` stands in for AWS's console where it is given: checked by parse_console_url.
Result<std::string> launch_url(const RoleDescription& role, const Region& region,
                               std::string_view template_url, std::string_view console = {});

// The address of a stand-in for the console, as the sandbox has one: http or https on this machine alone
// (127.0.0.0/8, [::1] or localhost), without user, query and fragment, so that no configuration sends
// customers to a page that only looks like AWS's. Without a slash at the end. Errors: `invalid_request`.
Result<std::string> parse_console_url(const std::string& text);

}  // namespace deputy::templates
