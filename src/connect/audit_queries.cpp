#include "connect/audit_queries.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "core/identifiers.hpp"

namespace deputy::connect {
namespace {

// Access key IDs are upper-case letters and digits.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
bool is_access_key_id(std::string_view text) {
  return text.size() >= 16 && text.size() <= 128 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

// In single quotes, for SQL and for a shell alike: no value that comes here may hold one.
bool is_quotable(std::string_view text) {
  return text.find('\'') == std::string_view::npos;
}

}  // namespace

std::optional<AuditQueries> queries_for(const IssuanceRow& issuance) {
  if (!is_access_key_id(issuance.access_key_id)) return std::nullopt;
  // CloudTrail's clock and ours differ a little. What came from memory belongs to a session that began
  // earlier, and a session lasts twelve hours at most.
  const Timestamp begin = issuance.from_cache
                              ? std::min(issuance.issued_at, issuance.expires_at - std::chrono::hours{12})
                              : issuance.issued_at;
  const std::string from = to_rfc3339(begin - std::chrono::minutes{5});
  const std::string to = to_rfc3339(issuance.expires_at + std::chrono::minutes{5});
  return AuditQueries{
      .command = fmt::format(
          "for region in $(aws ec2 describe-regions --query 'Regions[].RegionName' --output text); do\n"
          "  aws cloudtrail lookup-events --region \"$region\" \\\n"
          "    --lookup-attributes AttributeKey=AccessKeyId,AttributeValue={} \\\n"
          "    --start-time {} --end-time {} \\\n"
          "    --query 'Events[].[EventTime,EventSource,EventName]' --output text\n"
          "done\n",
          issuance.access_key_id, from, to),
      .athena = fmt::format(
          "SELECT eventtime, awsregion, eventsource, eventname, sourceipaddress, errorcode\n"
          "FROM cloudtrail_logs\n"
          "WHERE eventtime BETWEEN '{from}' AND '{to}'\n"
          "  AND (useridentity.accesskeyid = '{key}'\n"
          "       OR eventsource = 'sts.amazonaws.com' AND eventname = 'AssumeRole'\n"
          "         AND json_extract_scalar(responseelements, '$.credentials.accessKeyId') = '{key}')\n"
          "ORDER BY eventtime;\n",
          fmt::arg("from", from), fmt::arg("to", to), fmt::arg("key", issuance.access_key_id))};
}

std::optional<std::string> query_for_role(std::string_view role_arn) {
  if (!RoleArn::parse(role_arn) || !is_quotable(role_arn)) return std::nullopt;
  return fmt::format(
      "SELECT eventtime, awsregion, eventsource, eventname, errorcode,\n"
      "       element_at(split(useridentity.principalid, ':'), 2) AS session, useridentity.accesskeyid\n"
      "FROM cloudtrail_logs\n"
      "WHERE useridentity.type = 'AssumedRole'\n"
      "  AND useridentity.sessioncontext.sessionissuer.arn = '{}'\n"
      "ORDER BY eventtime DESC\n"
      "LIMIT 1000;\n",
      role_arn);
}

std::optional<std::string> delete_commands(std::string_view role_arn) {
  const auto role = RoleArn::parse(role_arn);
  if (!role) return std::nullopt;
  return fmt::format(
      "aws iam delete-role-policy --role-name '{0}' --policy-name deputy-permissions\n"
      "aws iam delete-role-policy --role-name '{0}' --policy-name deputy-self-read\n"
      "aws iam delete-role --role-name '{0}'\n",
      role.value().name());
}

}  // namespace deputy::connect
