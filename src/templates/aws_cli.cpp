#include <boost/json.hpp>
#include <fmt/format.h>
#include <string>
#include <string_view>

#include "core/assert.hpp"
#include "templates/document.hpp"
#include "templates/quoting.hpp"
#include "templates/template.hpp"

namespace deputy::templates {
namespace {

// JSON as one word of the shell: single quotes all along but for the script's own variables.
std::string shell_word(const Node& node, const Trust& trust) {
  // Stands in the JSON where a variable goes; no JSON text can hold this byte, since control characters are
  // escaped there.
  constexpr char partition_mark = '\x01';
  constexpr char role_arn_mark = '\x02';
  const std::string json = to_json(node, true, [&](Blank blank) -> std::string {
    switch (blank) {
      case Blank::partition:
        return {partition_mark};
      case Blank::role_arn:
        return {role_arn_mark};
      case Blank::external_id:
        return trust.external_id.text();
      case Blank::next_external_id:
        return trust.next_external_id->text();
      case Blank::partner_principal:
        return trust.partner_principal.text();
      case Blank::none:
        break;
    }
    DEPUTY_ASSERT(false);
  });
  std::string out;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= json.size(); ++i) {
    if (i < json.size() && json[i] != partition_mark && json[i] != role_arn_mark) continue;
    if (i > start) out += shell_quoted(std::string_view{json}.substr(start, i - start));
    if (i < json.size()) out += json[i] == partition_mark ? "\"$partition\"" : "\"$role_arn\"";
    start = i + 1;
  }
  return out;
}

std::string comments(const RoleDescription& role, const Node& permissions_document) {
  std::string out = fmt::format(
      "# {}\n# Template version {}. Needs the AWS CLI, signed in to the account that is to be connected.\n",
      purpose_of(role), template_version);
  for (const auto& [key, member] : permissions_document.map) {
    if (key != "Statement") continue;
    for (const Node& statement : member.list) {
      if (!statement.comment.empty()) out += fmt::format("# Permission: {}\n", statement.comment);
    }
  }
  return out;
}

std::string tags_json(const RoleDescription& role) {
  boost::json::array tags;
  for (const auto& [key, value] : tags_of(role)) tags.push_back({{"Key", key}, {"Value", value}});
  return boost::json::serialize(tags);
}

std::string account_check(const AccountId& account) {
  return fmt::format(R"(if [ "$account" != {0} ]; then
  echo "This role is for the AWS account {0}, and the AWS CLI is signed in to $account. Nothing was done." >&2
  exit 1
fi
)",
                     account.text());
}

// A role of that name that was made for another purpose stays untouched: create-role then fails, and the
// script with it.
constexpr std::string_view create_or_mend = R"(
made_for=$(aws iam get-role --role-name "$role_name" --query "Role.Tags[?Key=='deputy:connection'].Value | [0]" --output text 2>/dev/null || true)
if [ "$made_for" = "$connection" ]; then
  echo "Updating the role $role_name" >&2
  aws iam update-assume-role-policy --role-name "$role_name" --policy-document "$trust_policy"
else
  echo "Creating the role $role_name" >&2
  aws iam create-role --role-name "$role_name" --description "$description" --tags "$tags" \
    --max-session-duration "$session_seconds_max" --assume-role-policy-document "$trust_policy" >/dev/null
fi
role_arn=$(aws iam get-role --role-name "$role_name" --query Role.Arn --output text)
)";

std::string put_policy(std::string_view indent, std::string_view name, const std::string& document) {
  return fmt::format(
      "{0}aws iam put-role-policy --role-name \"$role_name\" --policy-name {1} --policy-document {2}\n",
      indent, name, document);
}

}  // namespace

Result<std::string> aws_cli(const RoleDescription& role) {
  DEPUTY_TRY(check(role));
  DEPUTY_TRY(const Node permissions_document, permissions(role));

  std::string out = "#!/bin/sh\n" + comments(role, permissions_document) + "set -eu\n";
  if (role.grants_self_read) {
    out +=
        "# With ALLOW_SELF_READ=false in the environment the partner cannot read this role to check it.\n"
        "allow_self_read=${ALLOW_SELF_READ:-true}\n";
  }
  out += "export AWS_PAGER=\n\n";
  // The description starts with words of our own, the others with a bracket: the AWS CLI reads a file where a
  // value starts with `file://`.
  out += "role_name=" + shell_quoted(role_name_of(role)) + "\n";
  out += "connection=" + shell_quoted(role.connection.text()) + "\n";
  out += "description=" + shell_quoted(role_description_text(purpose_of(role))) + "\n";
  out += "tags=" + shell_quoted(tags_json(role)) + "\n";
  out += fmt::format("session_seconds_max={}\n", role.session_duration_max.count());
  out += "trust_policy=" + shell_word(trust_policy(role.trust), role.trust) + "\n\n";
  out +=
      "identity=$(aws sts get-caller-identity --query Arn --output text)\n"
      "partition=$(printf '%s' \"$identity\" | cut -d: -f2)\n";
  if (role.account)
    out += "account=$(printf '%s' \"$identity\" | cut -d: -f5)\n" + account_check(*role.account);
  out += create_or_mend;
  out += put_policy("", permissions_policy_name, shell_word(permissions_document, role.trust));
  if (role.grants_self_read) {
    out += "if [ \"$allow_self_read\" = true ]; then\n" +
           put_policy("  ", self_read_policy_name, shell_word(self_read_policy(), role.trust)) + "fi\n";
  }
  out += "echo \"Give this ARN to the partner:\" >&2\nprintf '%s\\n' \"$role_arn\"\n";
  return out;
}

}  // namespace deputy::templates
