#include "verify/role_checks.hpp"

#include "support/fake_iam.hpp"
#include "support/fake_random.hpp"
#include "support/manual_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/sigv4.hpp"

namespace deputy::verify {
namespace {

using registry::CheckResult;
using testing::HasSubstr;
using testing::Not;
using enum aws::AwsErrorClass;

const ExternalId issued_id = ExternalId::parse("3f2a9c4e-8b1d-4c6f-9e2a-7d5b1c0f8a63").value();
const ExternalId second = ExternalId::parse("9d0c5b7a-1e2f-4a3b-8c4d-5e6f7a8b9c0d").value();
const RoleArn broker_role = RoleArn::parse("arn:aws:iam::111111111111:role/deputy-broker").value();
const RoleArn reader_role = RoleArn::parse("arn:aws:iam::222222222222:role/team/reader").value();
const std::string edge = "arn:aws:iam::222222222222:policy/edge";
const std::string needs =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:DescribeLogGroups","Resource":"*"},
      {"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]})";

std::string statement(const std::string& condition) {
  return R"({"Effect":"Allow","Principal":{"AWS":")" + broker_role.text() +
         R"("},"Action":"sts:AssumeRole","Condition":)" + condition + "}";
}
std::string exactly(const std::string& ids) {
  return statement(R"({"StringEquals":{"sts:ExternalId":)" + ids + "}}");
}
std::string trust(const std::string& statements) {
  return R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
}
const std::string good_trust = trust(exactly("\"" + issued_id.text() + "\""));
const std::string both_ids = R"([")" + issued_id.text() + R"(",")" + second.text() + R"("])";
const std::string admin =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";

class RoleChecksTest : public testing::Test {
 protected:
  RoleChecksTest() {
    trusts(good_trust);
    iam.inline_policies = {{"deputy-permissions", needs}};
    iam.attached = std::vector<std::string>{};
  }
  void trusts(const std::string& policy) {
    iam.role = aws::RoleDetails{reader_role, aws::uri_encode(policy, false), {}, "req-1"};
  }
  RoleFindings run() {
    Patience patience{loop, clock, random, 3, std::chrono::seconds{60}, std::stop_token{}};
    RoleChecks checks{clock, iam, calls, patience, question, session};
    return loop.run_through_time(checks.run());
  }
  // The finding of `trust_policy` under a new trust policy.
  Finding judged(const std::string& policy) {
    trusts(policy);
    return run().trust_policy.finding;
  }
  Finding permissions() { return run().permissions.finding; }
  std::size_t count(std::string_view action) const {
    return static_cast<std::size_t>(std::ranges::count(iam.calls, action, &FakeIam::Call::action));
  }

  FakeClock clock;
  ManualLoop loop{clock};
  SeededRandom random;
  FakeIam iam;
  FakeHarmlessCalls calls;
  aws::Credentials session{.access_key_id = "ASIAROLE", .secret_access_key = SecretString{"fake"}};
  RoleQuestion question{.role = reader_role,
                        .session_name = SessionName::parse("con_x@verify").value(),
                        .region = Region::parse("eu-central-1").value(),
                        .partner = Partner{broker_role, {}},
                        .issued = {issued_id},
                        .tolerated = {},
                        .retiring = std::nullopt,
                        .needs = needs};
};

// ── trust_policy

TEST_F(RoleChecksTest, ATrustPolicyThatIsSafeIsProved) {
  const RoleFindings found = run();
  EXPECT_EQ(found.trust_policy.finding.result, CheckResult::passed);
  EXPECT_TRUE(found.proved);
  EXPECT_FALSE(found.left_open);
  EXPECT_EQ(found.trust_policy.evidence->trust_policy_sha256, aws::sha256_hex(good_trust));
  EXPECT_EQ(found.trust_policy.evidence->aws_request_id, "req-1");
}

TEST_F(RoleChecksTest, TheRoleIsReadWithItsOwnSession) {
  run();
  ASSERT_FALSE(iam.calls.empty());
  for (const auto& call : iam.calls) EXPECT_EQ(call.access_key_id, "ASIAROLE") << call.action;
}

TEST_F(RoleChecksTest, AnOpeningThatNoProbeSeesFailsWithAWitnessAndAMend) {
  for (const char* opening : {R"({"StringEquals":{"sts:RoleSessionName":"backup"}})",
                              R"({"DateGreaterThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}})",
                              R"({"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}})"}) {
    const Finding found = judged(trust(exactly("\"" + issued_id.text() + "\"") + "," + statement(opening)));
    EXPECT_EQ(found.result, CheckResult::failed) << opening;
    EXPECT_THAT(found.message, HasSubstr("AWS would let in")) << opening;
    EXPECT_THAT(found.message, HasSubstr("without any external ID")) << opening;
    ASSERT_TRUE(found.mend) << opening;
    EXPECT_EQ(judged(*found.mend).result, CheckResult::passed) << opening;
  }
}

TEST_F(RoleChecksTest, WhatCannotBeReadAsAPolicyFails) {
  for (const char* document : {"", "{", "not a policy", R"({"Version":"2012-10-17","Statement":[]})"}) {
    const Finding found = judged(document);
    EXPECT_EQ(found.result, CheckResult::failed) << document;
    EXPECT_FALSE(run().proved);
  }
}

TEST_F(RoleChecksTest, APolicyThatDeniesWhatWorkedHasNotSettled) {
  const RoleFindings found = [&] {
    trusts(trust(exactly("\"" + second.text() + "\"")));
    return run();
  }();
  // It accepts another ID from the partner, so it may be called open; but never good.
  EXPECT_FALSE(found.proved);
  EXPECT_NE(found.trust_policy.finding.result, CheckResult::passed);
  const Finding denied = judged(trust(R"({"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"})"));
  EXPECT_EQ(denied.result, CheckResult::inconclusive);
  EXPECT_THAT(denied.message, HasSubstr("has not yet reached"));
}

TEST_F(RoleChecksTest, ARoleThatDoesNotLetItselfBeReadIsSkippedWithTheWayToAllowIt) {
  iam.role.reset();
  const RoleFindings found = run();
  EXPECT_EQ(found.trust_policy.finding.result, CheckResult::skipped);
  EXPECT_THAT(found.trust_policy.finding.mend.value_or(""), HasSubstr(reader_role.text()));
  EXPECT_EQ(found.trust_policy.evidence->aws_error_code, "AccessDenied");
  EXPECT_FALSE(found.proved);
}

TEST_F(RoleChecksTest, RequiredProofFailsWhatCannotBeRead) {
  question.require_proof = true;
  EXPECT_EQ(run().trust_policy.finding.result, CheckResult::passed);
  iam.role.reset();
  EXPECT_EQ(run().trust_policy.finding.result, CheckResult::failed);
  trusts(good_trust);
  question.partner.reset();
  EXPECT_EQ(run().trust_policy.finding.result, CheckResult::failed);
}

TEST_F(RoleChecksTest, WithoutAPartnerNothingIsJudged) {
  question.partner.reset();
  const RoleFindings found = run();
  EXPECT_EQ(found.trust_policy.finding.result, CheckResult::skipped);
  EXPECT_FALSE(found.proved);
}

TEST_F(RoleChecksTest, TroubleOfIamIsInconclusiveAfterRetries) {
  for (const aws::AwsError& trouble :
       {FakeSts::throttle(), FakeSts::no_answer(), FakeSts::error(unavailable, 503, "ServiceUnavailable"),
        FakeSts::error(caller_credentials, 403, "InvalidClientTokenId")}) {
    iam.calls.clear();
    iam.trouble = [&](const auto&) { return std::optional{trouble}; };
    const RoleFindings found = run();
    EXPECT_EQ(found.trust_policy.finding.result, CheckResult::inconclusive) << trouble.code;
    EXPECT_EQ(found.permissions.finding.result, CheckResult::inconclusive) << trouble.code;
    EXPECT_FALSE(found.proved);
    ASSERT_TRUE(found.left_open);
    EXPECT_NE(found.left_open->error_class, caller_credentials);
    EXPECT_EQ(iam.calls.size(), 3U) << trouble.code;
  }
}

TEST_F(RoleChecksTest, WhatSaysNothingAboutTheRoleIsNoDenial) {
  for (const aws::AwsError& trouble :
       {FakeSts::error(not_found, 404, "NoSuchEntity"), FakeSts::error(aws::AwsErrorClass::other, 403, "Odd"),
        FakeSts::error(invalid_request, 400, "ValidationError")}) {
    iam.trouble = [&](const auto& call) {
      return call.action == "GetRole" ? std::optional{trouble} : std::nullopt;
    };
    EXPECT_EQ(run().trust_policy.finding.result, CheckResult::inconclusive) << trouble.code;
  }
}

TEST_F(RoleChecksTest, TroubleThatPassesIsWaitedFor) {
  int left = 2;
  iam.trouble = [&](const auto&) -> std::optional<aws::AwsError> {
    if (left-- > 0) return FakeSts::throttle();
    return std::nullopt;
  };
  EXPECT_TRUE(run().proved);
}

TEST_F(RoleChecksTest, ReadingIsBoundedInTime) {
  iam.trouble = [&](const auto&) -> std::optional<aws::AwsError> {
    clock.advance(std::chrono::seconds{61});
    return std::nullopt;
  };
  const RoleFindings found = run();
  EXPECT_EQ(found.permissions.finding.result, CheckResult::inconclusive);
  EXPECT_EQ(iam.calls.size(), 1U);
}

TEST_F(RoleChecksTest, AnotherRolesAnswerFails) {
  for (const char* arn :
       {"arn:aws:iam::222222222222:role/reader", "arn:aws:iam::222222222222:role/team/other",
        "arn:aws:iam::333333333333:role/team/reader"}) {
    iam.role->arn = RoleArn::parse(arn).value();
    const RoleFindings found = run();
    EXPECT_EQ(found.trust_policy.finding.result, CheckResult::failed) << arn;
    EXPECT_EQ(found.permissions.finding.result, CheckResult::skipped) << arn;
    EXPECT_FALSE(found.proved);
  }
}

TEST_F(RoleChecksTest, AcceptsExactlyTheIdsOfThisMoment) {
  EXPECT_EQ(judged(trust(exactly(both_ids))).result, CheckResult::failed);
  question.tolerated = {second};
  EXPECT_EQ(judged(trust(exactly(both_ids))).result, CheckResult::passed);
  EXPECT_EQ(judged(good_trust).result, CheckResult::passed);
  question.tolerated.clear();
  question.issued = {issued_id, second};
  EXPECT_EQ(judged(trust(exactly(both_ids))).result, CheckResult::passed);
  EXPECT_EQ(judged(good_trust).result, CheckResult::inconclusive);
}

TEST_F(RoleChecksTest, SeesThatARetiringIdIsStillAccepted) {
  question.tolerated = {second};
  question.retiring = second;
  trusts(good_trust);
  EXPECT_FALSE(run().retiring_accepted);
  trusts(trust(exactly("\"" + issued_id.text() + "\"") + "," +
               statement(R"({"StringEquals":{"sts:ExternalId":")" + second.text() +
                         R"(","sts:RoleSessionName":"backup"}})")));
  const RoleFindings found = run();
  EXPECT_TRUE(found.proved);
  EXPECT_TRUE(found.retiring_accepted);
}

// ── permissions

TEST_F(RoleChecksTest, WhatThePoliciesGrantPasses) {
  const Finding found = permissions();
  EXPECT_EQ(found.result, CheckResult::passed);
  EXPECT_THAT(found.message, HasSubstr("nothing beyond it"));
  EXPECT_TRUE(calls.called.empty());
}

TEST_F(RoleChecksTest, WhatIsMissingFailsWithItsMend) {
  iam.inline_policies = std::map<std::string, std::string>{};
  const Finding found = permissions();
  EXPECT_EQ(found.result, CheckResult::failed);
  EXPECT_THAT(found.message, HasSubstr("`logs:DescribeLogGroups`, `s3:ListAllMyBuckets`"));
  ASSERT_TRUE(found.mend);
  iam.inline_policies = {{"mended", *found.mend}};
  EXPECT_EQ(permissions().result, CheckResult::passed);
}

TEST_F(RoleChecksTest, AttachedPoliciesCount) {
  iam.inline_policies = std::map<std::string, std::string>{};
  iam.attached = {edge};
  iam.managed[edge] = aws::uri_encode(needs, false);
  EXPECT_EQ(permissions().result, CheckResult::passed);
}

TEST_F(RoleChecksTest, TheBoundaryCounts) {
  iam.role->permissions_boundary_arn = edge;
  iam.managed[edge] =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]})";
  const Finding found = permissions();
  EXPECT_EQ(found.result, CheckResult::failed);
  EXPECT_THAT(found.message, HasSubstr("`s3:ListAllMyBuckets`"));
}

TEST_F(RoleChecksTest, WhatIsBeyondIsANote) {
  iam.inline_policies->emplace("extra", admin);
  const Finding found = permissions();
  EXPECT_EQ(found.result, CheckResult::passed);
  EXPECT_THAT(found.message, HasSubstr("`*` on `*` (policy `extra`)"));
}

TEST_F(RoleChecksTest, WhatIsFarBeyondFailsWhereThePartnerSaysSo) {
  question.excess = ExcessPolicy::fail;
  EXPECT_EQ(permissions().result, CheckResult::passed);
  iam.inline_policies->emplace("extra", admin);
  EXPECT_EQ(permissions().result, CheckResult::failed);
  // Within a boundary that is narrow it cannot be used.
  iam.role->permissions_boundary_arn = edge;
  iam.managed[edge] = needs;
  EXPECT_EQ(permissions().result, CheckResult::passed);
  iam.managed[edge] = admin;
  EXPECT_EQ(permissions().result, CheckResult::failed);
}

TEST_F(RoleChecksTest, WhatCannotBeReadIsTriedWhereThatDoesNoHarm) {
  iam.role.reset();
  iam.inline_policies.reset();
  iam.attached.reset();
  EXPECT_EQ(permissions().result, CheckResult::skipped);
  calls.answers = {{"logs:DescribeLogGroups", std::nullopt}};
  EXPECT_EQ(permissions().result, CheckResult::skipped);
  calls.answers["s3:ListAllMyBuckets"] = std::nullopt;
  EXPECT_EQ(permissions().result, CheckResult::passed);
  calls.answers["s3:ListAllMyBuckets"] = FakeSts::denial();
  const Finding missing = permissions();
  EXPECT_EQ(missing.result, CheckResult::failed);
  EXPECT_THAT(missing.message, HasSubstr("`s3:ListAllMyBuckets`"));
  EXPECT_THAT(missing.message, Not(HasSubstr("logs:")));
}

TEST_F(RoleChecksTest, OnlyADenialOfATryMeansMissing) {
  iam.inline_policies.reset();
  for (const aws::AwsError& trouble : {FakeSts::error(aws::AwsErrorClass::other, 403, "OptInRequired"),
                                       FakeSts::error(invalid_request, 400, "ValidationError"),
                                       FakeSts::error(region_disabled, 403, "RegionDisabledException")}) {
    calls.answers = {{"logs:DescribeLogGroups", std::nullopt}, {"s3:ListAllMyBuckets", trouble}};
    EXPECT_EQ(permissions().result, CheckResult::skipped) << trouble.code;
  }
  calls.answers["s3:ListAllMyBuckets"] = FakeSts::throttle();
  EXPECT_EQ(permissions().result, CheckResult::inconclusive);
}

TEST_F(RoleChecksTest, AConditionalNeedIsNotTried) {
  iam.inline_policies.reset();
  question.needs =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*",
        "Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}}]})";
  calls.answers = {{"s3:ListAllMyBuckets", FakeSts::denial()}};
  EXPECT_EQ(permissions().result, CheckResult::skipped);
  EXPECT_TRUE(calls.called.empty());
}

TEST_F(RoleChecksTest, AnAttachedPolicyThatCannotBeReadIsNamed) {
  iam.attached = {edge};
  calls.answers = {{"logs:DescribeLogGroups", std::nullopt}, {"s3:ListAllMyBuckets", std::nullopt}};
  const Finding found = permissions();
  EXPECT_EQ(found.result, CheckResult::passed);
  EXPECT_THAT(found.message, HasSubstr("not read: the attached policy `" + edge + "`"));
  EXPECT_THAT(found.message, Not(HasSubstr("nothing beyond it")));
}

TEST_F(RoleChecksTest, AThrottleInTheMiddleOfReadingLeavesItOpen) {
  iam.trouble = [&](const auto& call) {
    return call.action == "ListAttachedRolePolicies" ? std::optional{FakeSts::throttle()} : std::nullopt;
  };
  const RoleFindings found = run();
  EXPECT_EQ(found.trust_policy.finding.result, CheckResult::passed);
  EXPECT_EQ(found.permissions.finding.result, CheckResult::inconclusive);
  EXPECT_EQ(count("ListAttachedRolePolicies"), 3U);
}

TEST_F(RoleChecksTest, WithoutNeedsNothingIsRead) {
  question.needs.reset();
  EXPECT_EQ(permissions().result, CheckResult::skipped);
  EXPECT_EQ(iam.calls.size(), 1U);
}

}  // namespace
}  // namespace deputy::verify
