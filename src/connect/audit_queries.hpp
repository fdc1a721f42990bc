#pragma once

#include "connect/views.hpp"

#include <optional>
#include <string>
#include <string_view>

// What a customer runs in the own account to find, in CloudTrail, the calls behind an issuance. Pure. Nothing
// is written for values that are not what AWS issues (a role ARN, an access key ID): these go into a shell
// and into SQL.
namespace deputy::connect {

struct AuditQueries {
  std::string command;  // POSIX shell with the AWS CLI, over every enabled Region
  std::string athena;   // over a table of CloudTrail's standard form
};

// CloudTrail names a session by `userIdentity.accessKeyId`, which no other session has: the role need not be
// named, and the one that the connection has now may not be the one that was used. The AssumeRole that made
// the session has the key ID in `responseElements`.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupAttribute.html
// https://docs.aws.amazon.com/athena/latest/ug/cloudtrail-logs.html
std::optional<AuditQueries> queries_for(const IssuanceRow& issuance);

// Athena: every call of the role's sessions.
std::optional<std::string> query_for_role(std::string_view role_arn);

// AWS CLI: deletes the role with the policies that the templates gave it.
std::optional<std::string> delete_commands(std::string_view role_arn);

}  // namespace deputy::connect
