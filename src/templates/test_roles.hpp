#pragma once

#include <string>

#include "templates/template.hpp"

// Roles that the tests of this room write.
namespace deputy::templates {

inline RoleDescription acme_role() {
  return {
      .integration = IntegrationName::parse("log-reader").value(),
      .integration_version = 3,
      .integration_description = "Reads CloudWatch Logs and lists S3 buckets.",
      .policy_json =
          R"({"Version":"2012-10-17","Statement":[)"
          R"({"Sid":"ReadLogs","Effect":"Allow","Action":["logs:DescribeLogGroups","logs:FilterLogEvents"],)"
          R"("Resource":"arn:aws:logs:*:*:log-group:*"},)"
          R"({"Sid":"ListBuckets","Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"},)"
          R"({"Sid":"OwnFolder","Effect":"Allow","Action":"s3:GetObject",)"
          R"("Resource":["arn:aws:s3:::logs/${aws:PrincipalTag/team}/*"],)"
          R"("Condition":{"Null":{"aws:PrincipalTag/team":"false"},"NumericLessThan":{"s3:TlsVersion":[1.3]}}}]})",
      .reasons = {{"ReadLogs", "To collect the log events that you ask us to watch."},
                  {"ListBuckets", "To offer your buckets as places for exports."}},
      .trust = {.partner_principal =
                    RoleArn::parse("arn:aws:iam::111122223333:role/partner/deputy.broker").value(),
                .external_id = ExternalId::parse("6f9619ff-8b86-4d01-b42d-00cf4fc964ff").value()},
      .tenant = TenantId::parse("ten_aaaabbbbccccddddeeeeffff").value(),
      .tenant_name = "Acme GmbH",
      .connection = ConnectionId::parse("con_gggghhhhiiiijjjjkkkkllll").value(),
      .account = AccountId::parse("444455556666").value()};
}

// The other choice wherever there is one.
inline RoleDescription rotating_role() {
  RoleDescription role = acme_role();
  role.role_name = "AcmeLogReader";
  role.trust.form = TrustForm::account_with_principal_arn;
  role.trust.next_external_id = ExternalId::parse("0b5c1f2e-3a4d-4e6f-8091-a2b3c4d5e6f7").value();
  role.account.reset();
  role.grants_self_read = false;
  role.session_duration_max = std::chrono::hours{12};
  return role;
}

inline constexpr char hostile_characters[] =
    "Acme\"; rm -rf / #' \n\r\t\\ ${AWS::AccountId} ${var.x} %{ if true } $(touch pwned) `touch pwned` "
    "</script> <!-- --> & "
    "\xE2\x80\xAE"
    "evil\xE2\x80\xA9 {{resolve:secretsmanager:prod:SecretString}} EOF : - !Ref x \xff \0 end";

// Every text that people may choose, hostile.
inline RoleDescription hostile_role() {
  const std::string hostile{hostile_characters, sizeof hostile_characters - 1};
  RoleDescription role = acme_role();
  role.tenant_name = hostile;
  role.integration_description = hostile;
  role.reasons = {{"ReadLogs", hostile}, {hostile, hostile}};
  role.policy_json =
      R"({"Version":"2012-10-17","Statement":[{"Sid":"ReadLogs","Effect":"Allow","Action":"logs:GetLogEvents","Resource":"*",)"
      R"("Condition":{"StringLike":{"aws:PrincipalTag/\"y'n: ${x} %{y} $(touch pwned) `z` #":)"
      R"(["\"; '\n\t\\ ${AWS::AccountId} ${!x} ${aws:username} %{ if } $(touch pwned) `touch pwned` </script> \u202e \u0000 ü",)"
      R"("arn:aws:s3:::'${aws:username}/\"$(touch pwned)\n${!y} %{z}"]}}}]})";
  return role;
}

}  // namespace deputy::templates
