#include "verify/permissions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deputy::verify {
namespace {

const RoleArn reader = RoleArn::parse("arn:aws:iam::222222222222:role/reader").value();
const std::string integration =
    R"({"Version":"2012-10-17","Statement":[
      {"Effect":"Allow","Action":"logs:DescribeLogGroups","Resource":"*"},
      {"Effect":"Allow","Action":"logs:FilterLogEvents","Resource":"arn:aws:logs:*:*:log-group:/acme/*"},
      {"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]})";

std::string statements(const std::string& inside) {
  return R"({"Version":"2012-10-17","Statement":[)" + inside + "]}";
}
std::string allow(const std::string& action, const std::string& resource = "*",
                  const std::string& condition = "") {
  return R"({"Effect":"Allow","Action":")" + action + R"(","Resource":")" + resource + "\"" +
         (condition.empty() ? "" : R"(,"Condition":)" + condition) + "}";
}
std::string deny(const std::string& action, const std::string& condition = "") {
  return R"({"Effect":"Deny","Action":")" + action + R"(","Resource":"*")" +
         (condition.empty() ? "" : R"(,"Condition":)" + condition) + "}";
}
const std::string from_somewhere = R"({"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}})";

RolePolicy named(const std::string& name, const std::string& document,
                 policy::PolicyKind kind = policy::PolicyKind::identity) {
  auto read = policy::Policy::read(document, kind);
  EXPECT_TRUE(read) << document;
  return {name, document, std::move(read).value()};
}

class Permissions : public testing::Test {
 protected:
  void grant(const std::string& document) {
    policies.identity.push_back(named("p" + std::to_string(policies.identity.size()), document));
  }
  void bound(const std::string& document) {
    policies.boundary = named("edge", document, policy::PolicyKind::permissions_boundary);
  }
  NeedsJudgement judged(const std::string& needs = integration) const {
    return judge_needs(needs, policies, {role, SessionName::parse("con_x@verify").value(), now});
  }
  static std::vector<std::string> actions(const std::vector<Need>& needs) {
    std::vector<std::string> names;
    for (const Need& need : needs) names.push_back(need.action);
    return names;
  }
  std::vector<std::string> excess() const {
    std::vector<std::string> pairs;
    for (const Excess& each : excess_of(policies, integration, role))
      pairs.push_back(each.action + " " + each.resource + (each.too_broad ? " !" : ""));
    return pairs;
  }
  RoleArn role = reader;
  Timestamp now = parse_rfc3339("2026-06-01T00:00:00Z").value();
  RolePolicies policies;
};

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(Permissions, TheIntegrationsOwnPolicyGrantsAllAndNothingBeyond) {
  grant(integration);
  EXPECT_EQ(judged().granted.size(), 3U);
  EXPECT_THAT(judged().missing, IsEmpty());
  EXPECT_THAT(judged().undecided, IsEmpty());
  EXPECT_THAT(excess(), IsEmpty());
}

TEST_F(Permissions, WhatNoPolicyAllowsIsMissing) {
  grant(statements(allow("logs:DescribeLogGroups")));
  EXPECT_THAT(actions(judged().missing), ElementsAre("logs:FilterLogEvents", "s3:ListAllMyBuckets"));
}

TEST_F(Permissions, SeveralPoliciesGrantTogether) {
  grant(statements(allow("logs:Describe*") + "," + allow("s3:List*")));
  grant(statements(allow("logs:FilterLogEvents", "arn:aws:logs:*:222222222222:log-group:*")));
  EXPECT_THAT(judged().missing, IsEmpty());
  EXPECT_EQ(judged().granted.size(), 3U);
}

TEST_F(Permissions, FewerResourcesThanAskedForAreMissing) {
  grant(statements(allow("logs:DescribeLogGroups") + "," + allow("s3:ListAllMyBuckets") + "," +
                   allow("logs:FilterLogEvents", "arn:aws:logs:*:*:log-group:/acme/web")));
  EXPECT_THAT(actions(judged().missing), ElementsAre("logs:FilterLogEvents"));
}

TEST_F(Permissions, FewerResourcesThanAllAreUndecided) {
  grant(integration);
  policies.identity.clear();
  grant(statements(allow("logs:*") + "," + allow("s3:ListAllMyBuckets", "arn:aws:s3:::acme-*")));
  EXPECT_THAT(actions(judged().undecided), ElementsAre("s3:ListAllMyBuckets"));
  EXPECT_THAT(judged().missing, IsEmpty());
}

TEST_F(Permissions, AWildcardIsGrantedOnlyByAWildcard) {
  const std::string needs = statements(allow("logs:Describe*"));
  grant(statements(allow("logs:DescribeLogGroups") + "," + allow("logs:DescribeLogStreams")));
  EXPECT_THAT(actions(judged(needs).missing), ElementsAre("logs:Describe*"));
  grant(statements(allow("logs:D*")));
  EXPECT_THAT(judged(needs).missing, IsEmpty());
}

TEST_F(Permissions, AnExplicitDenyMakesItMissing) {
  grant(integration);
  grant(statements(deny("s3:*")));
  EXPECT_THAT(actions(judged().missing), ElementsAre("s3:ListAllMyBuckets"));
}

TEST_F(Permissions, ABoundaryThatDoesNotAllowMakesItMissing) {
  grant(integration);
  bound(statements(allow("logs:*")));
  EXPECT_THAT(actions(judged().missing), ElementsAre("s3:ListAllMyBuckets"));
}

TEST_F(Permissions, WhatHangsOnUnknownKeysIsUndecided) {
  grant(statements(allow("logs:*") + "," + allow("s3:*", "*", from_somewhere)));
  EXPECT_THAT(actions(judged().undecided), ElementsAre("s3:ListAllMyBuckets"));
  policies.identity.clear();
  grant(integration);
  grant(statements(deny("logs:FilterLogEvents", from_somewhere)));
  EXPECT_THAT(actions(judged().undecided), ElementsAre("logs:FilterLogEvents"));
  EXPECT_THAT(judged().missing, IsEmpty());
}

TEST_F(Permissions, WhatIsKnownOfEveryCallIsDecided) {
  grant(statements(allow("logs:*", "*", R"({"DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}})") +
                   "," + allow("s3:*", "*", R"({"Bool":{"aws:SecureTransport":"true"}})")));
  EXPECT_THAT(actions(judged().missing), ElementsAre("logs:DescribeLogGroups", "logs:FilterLogEvents"));
  EXPECT_THAT(actions(judged().granted), ElementsAre("s3:ListAllMyBuckets"));
}

TEST_F(Permissions, TheIntegrationsOwnConditionsAreMet) {
  const std::string needs =
      statements(allow("logs:*", "*", R"({"StringEquals":{"aws:RequestedRegion":"eu-central-1"}})"));
  grant(needs);
  EXPECT_EQ(judged(needs).granted.size(), 1U);
  policies.identity.clear();
  grant(statements(allow("logs:*", "*", R"({"StringEquals":{"aws:RequestedRegion":"us-east-1"}})")));
  EXPECT_THAT(actions(judged(needs).missing), ElementsAre("logs:*"));
}

TEST_F(Permissions, OfARoleThatWasNotReadWholeOnlyADenyIsCertain) {
  policies.unread.emplace_back("the attached policies");
  grant(statements(allow("logs:*") + "," + deny("s3:*")));
  EXPECT_THAT(judged().granted, IsEmpty());
  EXPECT_THAT(actions(judged().missing), ElementsAre("s3:ListAllMyBuckets"));
  EXPECT_EQ(judged().undecided.size(), 2U);
}

TEST_F(Permissions, ArnsAreTheCustomersPartitions) {
  role = RoleArn::parse("arn:aws-cn:iam::222222222222:role/reader").value();
  grant(statements(allow("logs:DescribeLogGroups") + "," + allow("s3:ListAllMyBuckets") + "," +
                   allow("logs:FilterLogEvents", "arn:aws-cn:logs:*:*:log-group:/acme/*")));
  EXPECT_EQ(judged().granted.size(), 3U);
  EXPECT_THAT(excess(), IsEmpty());
}

TEST_F(Permissions, WhatCannotBeDecidedBeforehandIsUndecided) {
  grant(statements(allow("*")));
  const std::string needs = R"({"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","NotAction":"iam:*","Resource":"*"},
    {"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:PrincipalTag/team}/*"}]})";
  EXPECT_EQ(judged(needs).undecided.size(), 2U);
  EXPECT_THAT(judged(needs).granted, IsEmpty());
}

TEST_F(Permissions, WhatIsGrantedBeyondIsNamed) {
  grant(integration);
  grant(statements(allow("s3:GetObject", "arn:aws:s3:::acme-*/*") + "," + allow("dynamodb:List*")));
  EXPECT_THAT(excess(), ElementsAre("s3:GetObject arn:aws:s3:::acme-*/*", "dynamodb:List* *"));
}

TEST_F(Permissions, AWiderPatternThanAskedForIsBeyond) {
  grant(statements(allow("logs:FilterLogEvents", "arn:aws:logs:*:*:log-group:*") + "," + allow("s3:List*")));
  EXPECT_THAT(excess(), ElementsAre("logs:FilterLogEvents arn:aws:logs:*:*:log-group:*", "s3:List* *"));
}

TEST_F(Permissions, GrantsLikeAdministratorAccessStandOut) {
  grant(statements(allow("*")));
  grant(statements(allow("iam:CreateUser")));
  grant(
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"}]})");
  EXPECT_THAT(excess(), ElementsAre("* * !", "iam:CreateUser * !", "everything but iam:*, sts:* * !"));
}

TEST_F(Permissions, ReadingTheRoleItselfIsNotBeyond) {
  const std::string& own = reader.text();
  for (const char* action :
       {"iam:GetRole", "iam:GetRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies"})
    grant(statements(allow(action, own)));
  grant(statements(allow("iam:GetPolicyVersion", "arn:aws:iam::222222222222:policy/*")));
  EXPECT_THAT(excess(), IsEmpty());
  grant(statements(allow("iam:GetRole", "arn:aws:iam::222222222222:role/*")));
  grant(statements(allow("iam:Get*", own)));
  EXPECT_EQ(excess().size(), 2U);
}

TEST_F(Permissions, ConditionsOfTheIntegrationsMustBeTheRolesToo) {
  const std::string only_here = R"({"StringEquals":{"aws:RequestedRegion":"eu-central-1"}})";
  const std::string needs = statements(allow("logs:*", "*", only_here));
  grant(statements(allow("logs:Get*")));
  EXPECT_EQ(excess_of(policies, needs, role).size(), 1U);
  policies.identity.clear();
  grant(statements(allow("logs:Get*", "*", only_here)));
  EXPECT_THAT(excess_of(policies, needs, role), IsEmpty());
}

TEST_F(Permissions, ANarrowBoundaryNarrows) {
  EXPECT_FALSE(is_narrowed(policies));
  bound(statements(allow("*")));
  EXPECT_FALSE(is_narrowed(policies));
  bound(statements(allow("logs:Get*")));
  EXPECT_TRUE(is_narrowed(policies));
}

}  // namespace
}  // namespace deputy::verify
