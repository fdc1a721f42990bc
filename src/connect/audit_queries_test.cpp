#include "connect/audit_queries.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deputy::connect {
namespace {

using testing::HasSubstr;

IssuanceRow issuance() {
  return {.id = "iss_aaaabbbbccccddddeeeeffff",
          .workload = "collector",
          .reason = {},
          .session_name = "deputy-gggghhhh-collector",
          .access_key_id = "ASIAQ3EXAMPLEKEY0001",
          .issued_at = parse_rfc3339("2026-11-28T09:37:00Z").value(),
          .expires_at = parse_rfc3339("2026-11-28T10:37:00Z").value(),
          .from_cache = false};
}
constexpr std::string_view role = "arn:aws-us-gov:iam::444455556666:role/team/a/LogReader";

TEST(AuditQueries, NameTheAccessKeyAsCloudTrailDoes) {
  const auto queries = queries_for(issuance()).value();
  EXPECT_THAT(queries.command, HasSubstr("AttributeKey=AccessKeyId,AttributeValue=ASIAQ3EXAMPLEKEY0001"));
  EXPECT_THAT(queries.command,
              HasSubstr("--start-time 2026-11-28T09:32:00Z --end-time 2026-11-28T10:42:00Z"));
  EXPECT_THAT(queries.athena,
              HasSubstr("eventtime BETWEEN '2026-11-28T09:32:00Z' AND '2026-11-28T10:42:00Z'"));
  EXPECT_THAT(queries.athena, HasSubstr("useridentity.accesskeyid = 'ASIAQ3EXAMPLEKEY0001'"));
  EXPECT_THAT(queries.athena, HasSubstr("'$.credentials.accessKeyId') = 'ASIAQ3EXAMPLEKEY0001'"));
}

// What came from memory belongs to a session that began before: twelve hours at most.
TEST(AuditQueries, LookBackToTheBeginningOfASessionFromMemory) {
  IssuanceRow row = issuance();
  row.from_cache = true;
  EXPECT_THAT(queries_for(row).value().command, HasSubstr("--start-time 2026-11-27T22:32:00Z"));
}

TEST(AuditQueries, AreNotWrittenForWhatAwsNeverIssued) {
  for (const char* hostile :
       {"", "x", "$(touch pwned)", "a' OR '1'='1", "a;b", "a b", "a\nb", "`id`", "a\"b"}) {
    IssuanceRow row = issuance();
    row.access_key_id = std::string{"ASIAQ3EXAMPLEKEY0001"} + hostile;
    if (*hostile != '\0') EXPECT_FALSE(queries_for(row)) << hostile;
    EXPECT_FALSE(query_for_role(hostile)) << hostile;
    EXPECT_FALSE(delete_commands(hostile)) << hostile;
  }
  // IAM allows an apostrophe in a role's path.
  EXPECT_FALSE(query_for_role("arn:aws:iam::444455556666:role/o'neill/LogReader"));
}

TEST(AuditQueries, OfTheRoleGoByItsIssuer) {
  EXPECT_THAT(query_for_role(role).value(),
              HasSubstr("useridentity.sessioncontext.sessionissuer.arn = "
                        "'arn:aws-us-gov:iam::444455556666:role/team/a/LogReader'"));
}

TEST(DeleteCommands, TakeThePoliciesAwayFirst) {
  const std::string commands = delete_commands(role).value();
  EXPECT_THAT(commands, HasSubstr("--role-name 'LogReader'"));
  EXPECT_LT(commands.find("deputy-permissions"), commands.find("delete-role --"));
  EXPECT_LT(commands.find("deputy-self-read"), commands.find("delete-role --"));
}

}  // namespace
}  // namespace deputy::connect
