#include "policy/breadth.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/policy_test_support.hpp"

namespace deputy::policy {
namespace {

using testing::HasSubstr;

std::vector<Breadth> faults(std::string_view action, std::string_view resource = "arn:aws:s3:::bucket/*") {
  return too_broad(identity_policy("{\"Effect\":\"Allow\",\"Action\":\"" + std::string{action} +
                                   "\",\"Resource\":\"" + std::string{resource} + "\"}"));
}

TEST(Breadth, FindsWhatReachesBeyondTheIntegration) {
  for (const std::string_view action : {"*",
                                        "*:*",
                                        "iam:*",
                                        "IAM:*",
                                        "i*:*",
                                        "i*:Create*",
                                        "iam:PassRole",
                                        "iam:*User",
                                        "iam:?et*",
                                        "iam:putrolepolicy",
                                        "sts:AssumeRole",
                                        "STS:assumerole",
                                        "sts:*",
                                        "sts:A*",
                                        "s?s:Assume?ole",
                                        "*:AssumeRole",
                                        "sts:AssumeRoot",
                                        "sts:assumeroo?",
                                        "organizations:*",
                                        "o*:*",
                                        "organizations:LeaveOrganization",
                                        "*:Create*"}) {
    EXPECT_EQ(faults(action).size(), 1U) << action;
  }
}

TEST(Breadth, LeavesNarrowActionsAlone) {
  for (const std::string_view action :
       {"s3:GetObject", "iam:GetRole", "iam:List*", "iam:get*", "organizations:DescribeOrganization",
        "sts:Get*", "sts:AssumeRoleWithSAML", "*:Get*", "s3:*", "logs:FilterLogEvents"}) {
    EXPECT_TRUE(faults(action).empty()) << action;
  }
}

TEST(Breadth, FindsWholeServicesOnEveryResource) {
  EXPECT_EQ(faults("s3:*", "*").size(), 1U);
  EXPECT_EQ(faults("s3:*", "arn:aws:s3:::*").size(), 1U);
  EXPECT_EQ(faults("s3:*Object", "*").size(), 1U);
  for (const std::string_view everything : {"arn:aws:ec2:*:*:*/*", "arn:aws:ec2:*:*:*", "arn:*:*:*:*:*/*",
                                            "arn:aws:ec2:*:*:*:*", "arn:aws:ec2:*:*:*/?*"})
    EXPECT_EQ(faults("ec2:*", everything).size(), 1U) << everything;
  for (const std::string_view named :
       {"arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:*:*:*/i-1", "arn:aws:ec2:*:*:/", "arn:aws:s3:::a*/*"})
    EXPECT_TRUE(faults("ec2:*", named).empty()) << named;
  EXPECT_TRUE(faults("s3:Get*", "*").empty());
  EXPECT_TRUE(faults("s3:PutObject", "*").empty());
  EXPECT_TRUE(faults("s3:*", "arn:aws:s3:::bucket*").empty());
  EXPECT_EQ(too_broad(identity_policy(R"({"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::x"})"))
                .size(),
            1U);
}

TEST(Breadth, FindsNotActionAlways) {
  const auto found = too_broad(identity_policy(
      R"({"Sid":"Most","Effect":"Allow","NotAction":["iam:*"],"Resource":"arn:aws:s3:::x"})"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].reason, HasSubstr("statement 1 (`Most`): NotAction"));
}

TEST(Breadth, NeverCountsADenyNorLetsItOrAConditionHelp) {
  const std::string allow =
      R"({"Effect":"Allow","Action":["s3:GetObject","iam:*","*"],"Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true}}})";
  const std::string deny = R"({"Effect":"Deny","Action":"*","Resource":"*"})";
  EXPECT_TRUE(too_broad(identity_policy(deny)).empty());
  const auto found = too_broad(identity_policy(deny + "," + allow));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].statement, 2U);
  EXPECT_THAT(found[0].reason, HasSubstr("`iam:*`"));
}

}  // namespace
}  // namespace deputy::policy
