#include "templates/template.hpp"

#include "support/source_folder.hpp"

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "templates/test_roles.hpp"

namespace deputy::templates {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Compares with a file of testdata/. After a wanted change: DEPUTY_WRITE_GOLDEN=1 writes the file anew; read
// the difference.
void expect_golden(const std::string& name, const Result<std::string>& written) {
  ASSERT_TRUE(written) << written.error().message;
  const std::string path = in_source_folder("src/templates/testdata/" + std::string{name});
  if (std::getenv("DEPUTY_WRITE_GOLDEN") != nullptr) std::ofstream{path, std::ios::binary} << written.value();
  std::ifstream file{path, std::ios::binary};
  std::stringstream wanted;
  wanted << file.rdbuf();
  EXPECT_EQ(written.value(), wanted.str()) << path;
}

TEST(Cloudformation, IsAsInTheGoldenFiles) {
  expect_golden("acme.yaml", cloudformation(acme_role()));
  expect_golden("rotating.yaml", cloudformation(rotating_role()));
  expect_golden("hostile.yaml", cloudformation(hostile_role()));
}

TEST(Terraform, IsAsInTheGoldenFiles) {
  expect_golden("acme.tf", terraform(acme_role()));
  expect_golden("rotating.tf", terraform(rotating_role()));
  expect_golden("hostile.tf", terraform(hostile_role()));
}

TEST(AwsCli, IsAsInTheGoldenFiles) {
  expect_golden("acme.sh", aws_cli(acme_role()));
  expect_golden("rotating.sh", aws_cli(rotating_role()));
  expect_golden("hostile.sh", aws_cli(hostile_role()));
}

TEST(Cloudformation, RefusesMoreThanCloudformationTakes) {
  RoleDescription role = acme_role();
  for (int i = 0; i < 200; ++i) role.reasons["Sid" + std::to_string(i)] = std::string(390, 'x');
  const auto written = cloudformation(role);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::invalid_request);
  EXPECT_THAT(written.error().message, HasSubstr("51200"));
}

TEST(Cloudformation, NeverNamesThePartitionOfTheCustomersResources) {
  const std::string yaml = cloudformation(acme_role()).value();
  EXPECT_THAT(yaml, HasSubstr("!Sub \"arn:${AWS::Partition}:logs:*:*:log-group:*\""));
  EXPECT_THAT(yaml, HasSubstr("!Sub \"arn:${AWS::Partition}:s3:::logs/${!aws:PrincipalTag/team}/*\""));
  EXPECT_THAT(yaml, Not(HasSubstr("arn:aws:logs")));
}

TEST(Render, RefusesAPolicyThatCloudformationWouldActOn) {
  for (const char* condition : {R"({"Fn::Sub":"x"})", R"({"Ref":"x"})", R"({"k":"{{resolve:ssm:x}}"})",
                                R"({"{{resolve:ssm:x}}":"v"})"}) {
    RoleDescription role = acme_role();
    role.policy_json = R"({"Statement":[{"Condition":{"StringEquals":)" + std::string{condition} + "}}]}";
    for (const Format format : {Format::cloudformation, Format::terraform, Format::aws_cli}) {
      const auto written = render(format, role);
      ASSERT_FALSE(written) << condition;
      EXPECT_EQ(written.error().kind, ErrorKind::invalid_request);
      EXPECT_EQ(written.error().field, "policy");
    }
  }
}

TEST(Render, RefusesWhatIsNotAPolicy) {
  for (const char* policy : {"", "[]", "{", "\"x\"", R"({"Statement":null})"}) {
    RoleDescription role = acme_role();
    role.policy_json = policy;
    EXPECT_FALSE(render(Format::aws_cli, role)) << policy;
  }
}

TEST(Render, RefusesRoleNamesAndDurationsBeyondIamsRules) {
  for (const std::string& name :
       {std::string{}, std::string{"a b"}, std::string{"a/b"}, std::string{"a\nb"}, std::string(65, 'x')}) {
    RoleDescription role = acme_role();
    role.role_name = name;
    EXPECT_FALSE(render(Format::terraform, role)) << name;
  }
  for (const auto duration : {std::chrono::seconds{3'599}, std::chrono::seconds{43'201}}) {
    RoleDescription role = acme_role();
    role.session_duration_max = duration;
    EXPECT_FALSE(render(Format::cloudformation, role));
  }
}

TEST(TrustPolicyJson, TrustsTheExactRoleWithTheExternalIdOnly) {
  EXPECT_EQ(boost::json::parse(trust_policy_json(acme_role())), boost::json::parse(R"({
    "Version": "2012-10-17",
    "Statement": [{
      "Sid": "DeputyWithExternalId", "Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::111122223333:role/partner/deputy.broker"},
      "Action": ["sts:AssumeRole", "sts:TagSession"],
      "Condition": {"StringEquals": {"sts:ExternalId": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"}}}]})"));
}

TEST(TrustPolicyJson, NamesTheAccountWithTheRoleAsConditionAndBothIdsWhileRotating) {
  EXPECT_EQ(boost::json::parse(trust_policy_json(rotating_role())), boost::json::parse(R"({
    "Version": "2012-10-17",
    "Statement": [{
      "Sid": "DeputyWithExternalId", "Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
      "Action": ["sts:AssumeRole", "sts:TagSession"],
      "Condition": {
        "StringEquals": {"sts:ExternalId": ["6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "0b5c1f2e-3a4d-4e6f-8091-a2b3c4d5e6f7"]},
        "ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/partner/deputy.broker"}}}]})"));
}

TEST(TrustConditionJson, IsTheConditionToAdd) {
  EXPECT_EQ(
      trust_condition_json(acme_role().trust),
      "{\n  \"StringEquals\": {\n    \"sts:ExternalId\": \"6f9619ff-8b86-4d01-b42d-00cf4fc964ff\"\n  }\n}");
}

TEST(TrustPolicyJson, KeepsThePartnersPartition) {
  RoleDescription role = acme_role();
  role.trust.partner_principal = RoleArn::parse("arn:aws-us-gov:iam::111122223333:role/deputy").value();
  role.trust.form = TrustForm::account_with_principal_arn;
  EXPECT_THAT(trust_policy_json(role), HasSubstr("\"arn:aws-us-gov:iam::111122223333:root\""));
}

TEST(DefaultRoleName, FitsIamForTheLongestIntegration) {
  const auto longest = IntegrationName::parse(std::string(63, 'a')).value();
  EXPECT_EQ(default_role_name(longest, acme_role().connection).size(), 64U);
  EXPECT_EQ(default_role_name(acme_role().integration, acme_role().connection), "deputy-log-reader-kkkkllll");
}

TEST(Format, ReadsItsOwnNames) {
  for (const Format format : {Format::cloudformation, Format::terraform, Format::aws_cli}) {
    EXPECT_EQ(parse_format(to_text(format)).value(), format);
  }
  EXPECT_FALSE(parse_format("CloudFormation"));
  EXPECT_EQ(parse_trust_form("account_with_principal_arn").value(), TrustForm::account_with_principal_arn);
  EXPECT_FALSE(parse_trust_form("account"));
}

constexpr char template_on_s3[] = "https://acme-templates.s3.eu-central-1.amazonaws.com/a b.yaml?x=1&y=2";

TEST(LaunchUrl, OpensQuickCreateInTheRegion) {
  EXPECT_EQ(launch_url(acme_role(), Region::parse("eu-central-1").value(),
                       "https://b.s3.eu-central-1.amazonaws.com/t.yaml?v=1&w=2")
                .value(),
            "https://eu-central-1.console.aws.amazon.com/cloudformation/home?region=eu-central-1#/stacks/"
            "quickcreate"
            "?templateURL=https%3A%2F%2Fb.s3.eu-central-1.amazonaws.com%2Ft.yaml%3Fv%3D1%26w%3D2"
            "&stackName=deputy-log-reader-kkkkllll&param_ExternalId=6f9619ff-8b86-4d01-b42d-00cf4fc964ff");
}

TEST(LaunchUrl, EncodesWhatAnExternalIdMayHold) {
  RoleDescription role = acme_role();
  role.trust.external_id = ExternalId::parse("a+b=c,d@e:f/g").value();
  role.trust.next_external_id = ExternalId::parse("next").value();
  EXPECT_THAT(launch_url(role, Region::parse("us-east-1").value(), "https://s3.amazonaws.com/b/t").value(),
              HasSubstr("&param_ExternalId=a%2Bb%3Dc%2Cd%40e%3Af%2Fg&param_NextExternalId=next"));
}

TEST(LaunchUrl, KnowsTheOtherPartitionsConsoles) {
  RoleDescription role = acme_role();
  role.trust.partner_principal = RoleArn::parse("arn:aws-cn:iam::111122223333:role/deputy").value();
  EXPECT_THAT(
      launch_url(role, Region::parse("cn-north-1").value(), "https://b.s3.cn-north-1.amazonaws.com.cn/t")
          .value(),
      StartsWith("https://console.amazonaws.cn/cloudformation/home?region=cn-north-1#"));
  role.trust.partner_principal = RoleArn::parse("arn:aws-us-gov:iam::111122223333:role/deputy").value();
  EXPECT_THAT(
      launch_url(role, Region::parse("us-gov-west-1").value(), "https://b.s3.us-gov-west-1.amazonaws.com/t")
          .value(),
      StartsWith("https://console.amazonaws-us-gov.com/cloudformation/home?region=us-gov-west-1#"));
  EXPECT_FALSE(
      launch_url(role, Region::parse("us-east-1").value(), "https://b.s3.us-east-1.amazonaws.com/t"));
}

TEST(LaunchUrl, LeadsToTheStandInWhereOneIsSet) {
  EXPECT_THAT(
      launch_url(acme_role(), Region::parse("us-east-1").value(), "https://s3.amazonaws.com/b/t",
                 "http://127.0.0.1:4566/console")
          .value(),
      StartsWith("http://127.0.0.1:4566/console/cloudformation/home?region=us-east-1#/stacks/quickcreate?"));
}

TEST(ConsoleUrl, IsOnThisMachineOnly) {
  EXPECT_EQ(parse_console_url("http://127.0.0.1:4566/console/").value(), "http://127.0.0.1:4566/console");
  for (const char* good : {"http://127.9.9.9/console", "http://[::1]:1/console", "https://localhost/console"})
    EXPECT_TRUE(parse_console_url(good)) << good;
  for (const char* bad :
       {"", "/console", "ftp://127.0.0.1/", "javascript:alert(1)", "https://console.aws.amazon.com",
        "http://10.0.0.1/console", "http://localhost.evil.example/", "http://127.0.0.1@evil.example/",
        "http://127.0.0.1.evil.example/", "http://127.0.0.1/?a=b", "http://127.0.0.1/#a",
        "http://127.0.0.1/a b"})
    EXPECT_FALSE(parse_console_url(bad)) << bad;
}

TEST(LaunchUrl, TakesTemplatesFromS3Only) {
  const Region region = Region::parse("us-east-1").value();
  for (const char* good :
       {"https://s3.amazonaws.com/b/t", "https://b.s3.amazonaws.com/t",
        "https://s3-eu-west-1.amazonaws.com/b/t", "https://b.s3.dualstack.eu-west-1.amazonaws.com/t",
        "https://my.bucket.s3.us-east-2.amazonaws.com/t"}) {
    EXPECT_TRUE(launch_url(acme_role(), region, good)) << good;
  }
  for (const std::string& bad :
       {std::string{"http://s3.amazonaws.com/b/t"}, std::string{"https://s3.amazonaws.com.evil.example/t"},
        std::string{"https://evil.example/s3.amazonaws.com"},
        std::string{"https://s3.amazonaws.com@evil.example/t"},
        std::string{"https://s3.amazonaws.com:8443/t"}, std::string{"https://ec2.us-east-1.amazonaws.com/t"},
        std::string{"https://b.execute-api.us-east-1.amazonaws.com/t"}, std::string{"javascript:alert(1)"},
        std::string{}, std::string{template_on_s3}, "https://s3.amazonaws.com/" + std::string(1'024, 'x')}) {
    const auto url = launch_url(acme_role(), region, bad);
    ASSERT_FALSE(url) << bad;
    EXPECT_EQ(url.error().field, "template_url");
  }
}

}  // namespace
}  // namespace deputy::templates
