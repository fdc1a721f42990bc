#include "verify/findings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deputy::verify {
namespace {

using registry::CheckResult;
using testing::HasSubstr;
using testing::Not;

policy::TrustAnalysis analysis(policy::TrustVerdict verdict, policy::FindingWeight weight,
                               std::size_t findings = 1) {
  policy::TrustAnalysis made;
  made.verdict = verdict;
  for (std::size_t i = 0; i < findings; ++i)
    made.findings.push_back({"code", weight, "finding " + std::to_string(i), std::nullopt});
  return made;
}

TEST(Findings, TheWitnessIsTold) {
  auto open = analysis(policy::TrustVerdict::unsafe, policy::FindingWeight::unsafe);
  open.witness = policy::Request{.caller = {.account = "111111111111",
                                            .arn = "arn:aws:sts::111111111111:assumed-role/deputy-broker/x",
                                            .role_arn = "arn:aws:iam::111111111111:role/deputy-broker",
                                            .unique_id = {},
                                            .service = {}},
                                 .action = "sts:AssumeRole",
                                 .resource = {},
                                 .context = {{"sts:RoleSessionName", {"backup"}}}};
  const Finding found = trust_policy_judged(open);
  EXPECT_EQ(found.result, CheckResult::failed);
  EXPECT_THAT(found.message, HasSubstr("finding 0"));
  EXPECT_THAT(found.message,
              HasSubstr("AWS would let in a session of `arn:aws:iam::111111111111:role/deputy-broker`"
                        " without any external ID, when the request has `sts:RoleSessionName` `backup`"));
  open.witness->context.push_back({"sts:ExternalId", {"stranger"}});
  EXPECT_THAT(trust_policy_judged(open).message, HasSubstr("with the external ID `stranger`"));
}

TEST(Findings, NotesOfASafePolicyAreTold) {
  const auto safe = analysis(policy::TrustVerdict::safe, policy::FindingWeight::note);
  EXPECT_THAT(trust_policy_judged(safe).message, HasSubstr("Worth knowing: finding 0"));
  EXPECT_EQ(trust_policy_judged(safe).result, CheckResult::passed);
}

TEST(Findings, MessagesAreBounded) {
  auto many = analysis(policy::TrustVerdict::unsafe, policy::FindingWeight::unsafe, 64);
  many.mend = std::string(1'000'000, 'x');
  EXPECT_THAT(trust_policy_judged(many).message, HasSubstr("and 60 more"));
  EXPECT_FALSE(trust_policy_judged(many).mend);
  many.mend_removed.assign(64, "statement 7 (`Ci`)");
  EXPECT_THAT(trust_policy_judged(many).message, HasSubstr("it leaves out statement 7 (`Ci`); statement 7"));
  EXPECT_LT(trust_policy_judged(many).message.size(), 2'000U);
  PermissionsJudgement judgement;
  for (int i = 0; i < 5'000; ++i) {
    judgement.needs.missing.push_back({"s3:Get" + std::to_string(i), std::string(2'000, 'r')});
    judgement.excess.push_back(
        {std::string(128, 'p'), std::string(2'000, 'a'), std::string(2'000, 'r'), true});
  }
  const Finding found = permissions_judged(judgement, ExcessPolicy::note);
  EXPECT_LT(found.message.size(), 8'000U);
  EXPECT_LT(found.mend->size(), 150'000U);
}

TEST(Findings, WithoutDetailsNothingThatAPolicyNamesIsLeft) {
  auto safe = analysis(policy::TrustVerdict::safe, policy::FindingWeight::note);
  safe.findings[0].message = "account 999999999999 may assume the role, too";
  const Finding plain = without_details(trust_policy_judged(safe));
  EXPECT_EQ(plain.result, CheckResult::passed);
  EXPECT_THAT(plain.message, Not(HasSubstr("9999")));
  EXPECT_FALSE(plain.mend);
}

}  // namespace
}  // namespace deputy::verify
