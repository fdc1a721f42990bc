#include "verify/verifier.hpp"

#include "support/fake_iam.hpp"
#include "support/fake_random.hpp"
#include "support/manual_loop.hpp"
#include "support/scripted_role.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <set>

namespace deputy::verify {
namespace {

using registry::Check;
using registry::CheckResult;
using registry::Proof;
using registry::VerificationOutcome;
using registry::VerificationReport;
using testing::HasSubstr;
using testing::Not;

const ExternalId issued = ExternalId::parse("3f2a9c4e-8b1d-4c6f-9e2a-7d5b1c0f8a63").value();
const ExternalId next = ExternalId::parse("9d0c5b7a-1e2f-4a3b-8c4d-5e6f7a8b9c0d").value();
const RoleArn acme_role = RoleArn::parse("arn:aws:iam::111122223333:role/team/acme-reader").value();

const Partner partner{RoleArn::parse("arn:aws:iam::111111111111:role/deputy-broker").value(), {}};

class VerifierTest : public testing::Test {
 protected:
  VerifierTest() { role.accepts = ScriptedRole::only(issued); }

  Target target() const {
    return {.role_arn = acme_role,
            .external_id = issued,
            .region = Region::parse("eu-central-1").value(),
            .session_name = SessionName::parse("con_aaaaaaaaaaaaaaaaaaaaaaaa@verify").value()};
  }
  VerificationReport run(Target what) {
    return loop.run_through_time(verifier.run(std::move(what), std::stop_token{}));
  }
  static Check check(const VerificationReport& report, std::string_view name) {
    for (const Check& each : report.checks)
      if (each.name == name) return each;
    ADD_FAILURE() << "no check " << name;
    return {};
  }
  static CheckResult result(const VerificationReport& report, std::string_view name) {
    return check(report, name).result;
  }
  // `previous` was replaced by the issued one and may be listed still.
  Target retiring() const {
    Target what = target();
    what.previous_external_id = next;
    return what;
  }

  FakeClock clock;
  ManualLoop loop{clock};
  SeededRandom random;
  FakeSts sts;
  ScriptedRole role{sts, clock, acme_role};
  FakeIam iam;
  FakeHarmlessCalls calls;
  FakeBaseCredentials base;
  Verifier verifier{loop, clock, random, {sts, iam, calls}, base, {}};
};

TEST_F(VerifierTest, PassesARoleThatAcceptsExactlyTheIssuedId) {
  const auto report = run(target());
  EXPECT_EQ(report.outcome, VerificationOutcome::passed);
  EXPECT_EQ(report.proof, Proof::probed);
  EXPECT_EQ(report.account_id, acme_role.account());
  std::vector<std::string> names;
  for (const Check& each : report.checks) names.push_back(each.name);
  EXPECT_THAT(names,
              testing::ElementsAre("role_assumable", "external_id_required", "external_id_exact",
                                   "role_still_assumable", "account_matches", "trust_policy", "permissions"));
  EXPECT_EQ(result(report, "trust_policy"), CheckResult::skipped);
  EXPECT_EQ(result(report, "permissions"), CheckResult::skipped);
  EXPECT_FALSE(report.retry_at.has_value());
}

TEST_F(VerifierTest, ProbesInOrderAndBetweenTwoSuccesses) {
  run(target());
  ASSERT_EQ(sts.assume_role_calls.size(), 10U);
  EXPECT_EQ(sts.assume_role_calls.front().request.external_id, issued);
  EXPECT_EQ(sts.assume_role_calls[1].request.external_id, std::nullopt);
  for (std::size_t i = 2; i < 9; ++i) {
    ASSERT_TRUE(sts.assume_role_calls[i].request.external_id.has_value());
    EXPECT_NE(sts.assume_role_calls[i].request.external_id, issued);
  }
  EXPECT_EQ(sts.assume_role_calls.back().request.external_id, issued);
}

TEST_F(VerifierTest, ProbesLookLikeProductionButForTheDenyingPolicy) {
  run(target());
  for (const auto& call : sts.assume_role_calls) {
    EXPECT_EQ(call.request.session_name, target().session_name);
    EXPECT_EQ(call.region, target().region);
    EXPECT_EQ(call.request.duration, std::chrono::seconds{900});
    EXPECT_TRUE(call.request.tags.empty());
    EXPECT_FALSE(call.request.source_identity.has_value());
    EXPECT_EQ(call.credentials.access_key_id, base.credentials.access_key_id);
    const bool should_fail = call.request.external_id != issued;
    EXPECT_EQ(call.request.session_policy.has_value(), should_fail);
    if (should_fail) EXPECT_THAT(*call.request.session_policy, HasSubstr(R"("Effect":"Deny","Action":"*")"));
  }
}

TEST_F(VerifierTest, UsesOnlyTheCredentialsOfTheSecondSuccess) {
  run(target());
  ASSERT_EQ(sts.caller_identity_calls.size(), 1U);
  EXPECT_EQ(role.last_identity_key, "ASIAFAKE00000002");
  EXPECT_EQ(role.sessions(), 2);
}

TEST_F(VerifierTest, RejectsARoleThatNeedsNoExternalId) {
  role.accepts = [](const auto& id) { return !id || *id == issued; };
  const auto report = run(target());
  EXPECT_EQ(report.outcome, VerificationOutcome::failed);
  EXPECT_EQ(report.proof, Proof::none);
  const Check found = check(report, "external_id_required");
  EXPECT_EQ(found.result, CheckResult::failed);
  EXPECT_EQ(found.mend,
            R"("Condition": {"StringEquals": {"sts:ExternalId": "3f2a9c4e-8b1d-4c6f-9e2a-7d5b1c0f8a63"}})");
  for (const char* name : {"external_id_exact", "role_still_assumable", "account_matches", "trust_policy"})
    EXPECT_EQ(result(report, name), CheckResult::skipped) << name;
  EXPECT_TRUE(sts.caller_identity_calls.empty());
}

// The statement of such a role names the whole account of the partner.
TEST_F(VerifierTest, AConditionToPasteKeepsTheOnePrincipalThatTheTemplateLetsIn) {
  Target what = target();
  what.only_principal = partner.principal;
  const std::string expected =
      R"("Condition": {"StringEquals": {"sts:ExternalId": "3f2a9c4e-8b1d-4c6f-9e2a-7d5b1c0f8a63"}, )"
      R"("ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/deputy-broker"}})";
  role.accepts = [](const auto& id) { return !id || *id == issued; };
  EXPECT_EQ(check(run(what), "external_id_required").mend, expected);
  role.accepts = [](const auto& id) { return id.has_value(); };
  EXPECT_EQ(check(run(what), "external_id_exact").mend, expected);
  what.previous_external_id = next;
  role.accepts = [](const auto& id) { return id && (*id == issued || *id == next); };
  EXPECT_EQ(check(run(what), "previous_external_id_denied").mend, expected);
  what.next_external_id = next;
  what.previous_external_id.reset();
  role.accepts = ScriptedRole::only(issued);
  EXPECT_THAT(check(run(what), "next_external_id_works").mend.value_or(""),
              testing::AllOf(HasSubstr(next.text()), HasSubstr("aws:PrincipalArn")));
}

struct Loose {
  const char* name;
  std::function<bool(const std::string&)> accepts;
};
const std::vector<Loose>& loose_roles() {
  static const std::string id = issued.text();
  static const std::vector<Loose> all = {
      {"anything", [](const std::string&) { return true; }},
      {"any case", [](const std::string& s) { return std::ranges::equal(s, id, {}, ::tolower, ::tolower); }},
      {"prefix", [](const std::string& s) { return s.starts_with(id); }},
      {"short prefix", [](const std::string& s) { return s.starts_with(id.substr(0, 8)); }},
      {"suffix", [](const std::string& s) { return s.ends_with(id); }},
      {"short suffix", [](const std::string& s) { return s.ends_with(id.substr(id.size() - 8)); }},
      {"last character",
       [](const std::string& s) { return s.size() == id.size() && s.starts_with(id.substr(0, 35)); }},
  };
  return all;
}

TEST_F(VerifierTest, RejectsARoleThatAcceptsWrongIds) {
  for (const Loose& loose : loose_roles()) {
    role.accepts = [&loose](const auto& id) { return id && loose.accepts(id->text()); };
    const auto report = run(target());
    EXPECT_EQ(report.outcome, VerificationOutcome::failed) << loose.name;
    EXPECT_EQ(result(report, "external_id_exact"), CheckResult::failed) << loose.name;
    EXPECT_THAT(check(report, "external_id_exact").mend.value_or(""), HasSubstr(issued.text())) << loose.name;
    EXPECT_EQ(result(report, "role_still_assumable"), CheckResult::skipped) << loose.name;
  }
  EXPECT_TRUE(sts.caller_identity_calls.empty());
}

TEST_F(VerifierTest, WaitsForARoleThatIsNotEverywhereYet) {
  const auto ready = clock.steady_now() + std::chrono::seconds{40};
  role.accepts = [&, ready](const auto& id) { return clock.steady_now() >= ready && id == issued; };
  const auto report = run(target());
  EXPECT_EQ(report.outcome, VerificationOutcome::passed);
}

// What a role of this kind would show: its trust policy names the partner and the issued ID.
aws::RoleDetails details() {
  return {acme_role,
          R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":)"
          R"("arn:aws:iam::111111111111:role/deputy-broker"},"Action":"sts:AssumeRole","Condition":)"
          R"({"StringEquals":{"sts:ExternalId":")" +
              issued.text() + R"("}}}]})"};
}

TEST_F(VerifierTest, ARoleThatIsReadIsProved) {
  iam.role = details();
  Target what = target();
  what.partner = partner;
  auto report = run(what);
  EXPECT_EQ(report.proof, Proof::proved);
  EXPECT_EQ(result(report, "trust_policy"), CheckResult::passed);
  what.partner.reset();
  report = run(what);
  EXPECT_EQ(report.outcome, VerificationOutcome::passed);
  EXPECT_EQ(report.proof, Proof::probed);
}

TEST_F(VerifierTest, WaitsForPoliciesThatAreNotEverywhereYet) {
  const auto ready = clock.steady_now() + std::chrono::seconds{20};
  const auto policies_ready = ready + std::chrono::seconds{15};
  role.accepts = [&, ready](const auto& id) { return clock.steady_now() >= ready && id == issued; };
  iam.role = details();
  iam.trouble = [&, policies_ready](const auto&) -> std::optional<aws::AwsError> {
    if (clock.steady_now() < policies_ready) return FakeSts::denial();
    return std::nullopt;
  };
  Target what = target();
  what.partner = partner;
  EXPECT_EQ(run(what).proof, Proof::proved);
}

TEST_F(VerifierTest, DoesNotWaitForPoliciesOfARoleThatWasThereAtOnce) {
  const auto began = clock.steady_now();
  Target what = target();
  what.partner = partner;
  EXPECT_EQ(run(what).proof, Proof::probed);
  EXPECT_EQ(clock.steady_now(), began);
  EXPECT_EQ(iam.calls.size(), 1U);
}

TEST_F(VerifierTest, InARotationTheNextIdMayBeListedAndNeedNotBe) {
  Target what = target();
  what.partner = partner;
  what.next_external_id = next;
  iam.role = details();
  EXPECT_EQ(run(what).proof, Proof::proved);
  const std::string alone = '"' + issued.text() + '"';
  std::string& policy = iam.role->trust_policy;
  policy.replace(policy.find(alone), alone.size(), "[" + alone + ",\"" + next.text() + "\"]");
  EXPECT_EQ(run(what).proof, Proof::proved);  // listed, but not everywhere yet
  role.accepts = [](const auto& id) { return id == issued || id == next; };
  EXPECT_EQ(run(what).proof, Proof::proved);
  what.next_external_id.reset();
  role.accepts = ScriptedRole::only(issued);
  EXPECT_EQ(run(what).outcome, VerificationOutcome::failed);
}

TEST_F(VerifierTest, ANextIdThatWorksMustStandInThePolicyThatIsRead) {
  Target what = target();
  what.partner = partner;
  what.next_external_id = next;
  iam.role = details();
  role.accepts = [](const auto& id) { return id == issued || id == next; };
  const auto report = run(what);
  EXPECT_EQ(report.outcome, VerificationOutcome::inconclusive);
  EXPECT_FALSE(report.next_external_id_works);
}

TEST_F(VerifierTest, APreviousIdThatIsAcceptedUnderOtherConditionsHasNotRetired) {
  Target what = retiring();
  what.partner = partner;
  iam.role = details();
  EXPECT_TRUE(run(what).previous_external_id_denied);
  iam.role->trust_policy.replace(iam.role->trust_policy.size() - 2, 2,
                                 R"(,{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/)"
                                 R"(deputy-broker"},"Action":"sts:AssumeRole","Condition":{"StringEquals":)"
                                 R"({"sts:RoleSessionName":"backup","sts:ExternalId":")" +
                                     next.text() + R"("}}}]})");
  const auto report = run(what);
  EXPECT_EQ(report.outcome, VerificationOutcome::passed);
  EXPECT_FALSE(report.previous_external_id_denied);
  EXPECT_EQ(result(report, "previous_external_id_denied"), CheckResult::skipped);
  what.previous_must_be_denied = true;
  EXPECT_EQ(run(what).outcome, VerificationOutcome::failed);
}

TEST_F(VerifierTest, DiagnosesADenialWhenTheWindowIsOver) {
  role.accepts = nullptr;
  const auto began = clock.steady_now();
  const auto report = run(target());
  EXPECT_EQ(clock.steady_now() - began, std::chrono::seconds{120});
  EXPECT_EQ(report.outcome, VerificationOutcome::failed);
  const Check found = check(report, "role_assumable");
  EXPECT_EQ(found.result, CheckResult::failed);
  EXPECT_THAT(found.message, HasSubstr("does not exist"));
  EXPECT_THAT(found.message, HasSubstr("principal"));
  EXPECT_THAT(found.message, HasSubstr("external ID"));
  EXPECT_THAT(found.message, Not(HasSubstr("arn:")));
  ASSERT_TRUE(found.mend);
  EXPECT_THAT(*found.mend, HasSubstr("template"));
  EXPECT_EQ(found.evidence->aws_error_code, "AccessDenied");
  EXPECT_GE(sts.assume_role_calls.size(), 7U);
  EXPECT_LE(sts.assume_role_calls.size(), 20U);
  for (std::size_t i = 1; i < report.checks.size(); ++i)
    EXPECT_EQ(report.checks[i].result, CheckResult::skipped);
}

TEST_F(VerifierTest, TheWindowIsOfSteadyTime) {
  role.accepts = nullptr;
  bool jumped = false;
  role.trouble = [&](const auto&) -> std::optional<aws::AwsError> {
    if (!std::exchange(jumped, true)) clock.jump(std::chrono::hours{5});
    return std::nullopt;
  };
  const auto began = clock.steady_now();
  run(target());
  EXPECT_EQ(clock.steady_now() - began, std::chrono::seconds{120});
}

using enum aws::AwsErrorClass;
const std::vector<aws::AwsError>& troubles() {
  static const std::vector<aws::AwsError> all = {
      FakeSts::throttle(),
      FakeSts::no_answer(),
      FakeSts::error(unavailable, 503, "ServiceUnavailable"),
      FakeSts::error(unavailable, 200, "MalformedResponse"),
      FakeSts::error(caller_credentials, 403, "ExpiredToken"),
      FakeSts::error(caller_credentials, 403, "SignatureDoesNotMatch"),
      FakeSts::error(invalid_request, 400, "ValidationError"),
      FakeSts::error(region_disabled, 403, "RegionDisabledException"),
      FakeSts::error(not_found, 404, "NoSuchEntity"),
      FakeSts::error(other, 403, "SomethingNew"),
      FakeSts::error(access_denied, 403, "AccessDeniedByProxy"),  // not exactly AWS's code
  };
  return all;
}

TEST_F(VerifierTest, TroubleIsNeverADenialNorASuccessWhereverItComes) {
  for (const aws::AwsError& trouble : troubles()) {
    for (std::size_t at = 0; at < 10; ++at) {
      sts.assume_role_calls.clear();
      role.trouble = [&](const auto&) -> std::optional<aws::AwsError> {
        if (sts.assume_role_calls.size() > at) return trouble;
        return std::nullopt;
      };
      const auto report = run(target());
      EXPECT_EQ(report.outcome, VerificationOutcome::inconclusive) << trouble.code << " at " << at;
      EXPECT_EQ(report.proof, Proof::none);
      EXPECT_FALSE(report.retry_at.has_value()) << "the registry knows when";
      for (const Check& each : report.checks) {
        EXPECT_NE(each.result, CheckResult::failed) << trouble.code << " at " << at << ": " << each.name;
        EXPECT_THAT(each.message, Not(HasSubstr("scripted by the test")));
      }
    }
  }
}

TEST_F(VerifierTest, TroubleThatPassesIsTriedAgain) {
  int count = 0;
  role.trouble = [&](const auto&) -> std::optional<aws::AwsError> {
    if (++count % 3 != 0) return FakeSts::throttle();
    return std::nullopt;
  };
  EXPECT_EQ(run(target()).outcome, VerificationOutcome::passed);
}

TEST_F(VerifierTest, BrokenBaseCredentialsAreInconclusiveAndThePartnersToMend) {
  base.broken = true;
  const auto report = run(target());
  EXPECT_EQ(report.outcome, VerificationOutcome::inconclusive);
  EXPECT_THAT(check(report, "role_assumable").message, HasSubstr("the partner has to mend it"));
  EXPECT_TRUE(sts.assume_role_calls.empty());
}

TEST_F(VerifierTest, DenialsWithoutASuccessAfterThemProveNothing) {
  role.trouble = [&](const auto& call) -> std::optional<aws::AwsError> {
    if (sts.assume_role_calls.size() > 1 && call.request.external_id == issued) return FakeSts::denial();
    return std::nullopt;
  };
  const auto report = run(target());
  EXPECT_EQ(report.outcome, VerificationOutcome::inconclusive);
  for (const char* name : {"external_id_required", "external_id_exact", "role_still_assumable"})
    EXPECT_EQ(result(report, name), CheckResult::inconclusive) << name;
  EXPECT_EQ(result(report, "account_matches"), CheckResult::skipped);
}

TEST_F(VerifierTest, CredentialsOfAnotherAccountOrRoleFail) {
  for (const char* other :
       {"arn:aws:iam::999999999999:role/acme-reader", "arn:aws:iam::111122223333:role/acme-reader2",
        "arn:aws-cn:iam::111122223333:role/acme-reader", "arn:aws:iam::111122223333:role/ACME-reader"}) {
    role.identity = RoleArn::parse(other).value();
    const auto report = run(target());
    EXPECT_EQ(report.outcome, VerificationOutcome::failed) << other;
    EXPECT_EQ(result(report, "account_matches"), CheckResult::failed) << other;
    EXPECT_FALSE(report.account_id.has_value());
  }
}

TEST_F(VerifierTest, AnUnansweredIdentityIsInconclusive) {
  sts.on_get_caller_identity = [](const auto&) -> aws::AwsResult<aws::CallerIdentity> {
    return FakeSts::denial();
  };
  const auto report = run(target());
  EXPECT_EQ(report.outcome, VerificationOutcome::inconclusive);
  EXPECT_EQ(result(report, "account_matches"), CheckResult::inconclusive);
}

TEST_F(VerifierTest, RequiredProofCannotBeGivenByProbes) {
  Target what = target();
  what.require_proof = true;
  const auto report = run(what);
  EXPECT_EQ(report.outcome, VerificationOutcome::failed);
  EXPECT_EQ(result(report, "trust_policy"), CheckResult::failed);
  EXPECT_EQ(report.proof, Proof::none);
}

TEST_F(VerifierTest, ANextIdThatIsNotListedYetIsWaitedFor) {
  Target what = target();
  what.next_external_id = next;
  const auto report = run(what);
  EXPECT_EQ(report.outcome, VerificationOutcome::passed);
  EXPECT_EQ(result(report, "next_external_id_works"), CheckResult::skipped);
  EXPECT_FALSE(report.next_external_id_works);
}

TEST_F(VerifierTest, ANextIdThatWorksIsReported) {
  Target what = target();
  what.next_external_id = next;
  role.accepts = [](const auto& id) { return id == issued || id == next; };
  const auto report = run(what);
  EXPECT_EQ(report.outcome, VerificationOutcome::passed);
  EXPECT_EQ(result(report, "next_external_id_works"), CheckResult::passed);
  EXPECT_TRUE(report.next_external_id_works);
}

TEST_F(VerifierTest, ANextIdInAnOpenRoleIsNotReported) {
  Target what = target();
  what.next_external_id = next;
  role.accepts = ScriptedRole::anything();
  EXPECT_FALSE(run(what).next_external_id_works);
}

TEST_F(VerifierTest, APreviousIdMayLingerButNotForEver) {
  role.accepts = [](const auto& id) { return id == issued || id == next; };
  auto report = run(retiring());
  EXPECT_EQ(report.outcome, VerificationOutcome::passed);
  EXPECT_EQ(result(report, "previous_external_id_denied"), CheckResult::skipped);
  EXPECT_FALSE(report.previous_external_id_denied);

  Target overdue = retiring();
  overdue.previous_must_be_denied = true;
  report = run(overdue);
  EXPECT_EQ(report.outcome, VerificationOutcome::failed);
  EXPECT_EQ(result(report, "previous_external_id_denied"), CheckResult::failed);
}

TEST_F(VerifierTest, APreviousIdThatIsDeniedIsReported) {
  const auto report = run(retiring());
  EXPECT_EQ(report.outcome, VerificationOutcome::passed);
  EXPECT_TRUE(report.previous_external_id_denied);
}

TEST_F(VerifierTest, APreviousIdsDenialCountsOnlyBetweenTwoSuccesses) {
  role.trouble = [&](const auto& call) -> std::optional<aws::AwsError> {
    if (sts.assume_role_calls.size() > 5 && call.request.external_id == issued) return FakeSts::denial();
    return std::nullopt;
  };
  const auto report = run(retiring());
  EXPECT_FALSE(report.previous_external_id_denied);
  EXPECT_EQ(result(report, "previous_external_id_denied"), CheckResult::inconclusive);
}

TEST_F(VerifierTest, KeepsToItsShareOfTheQuota) {
  Verifier slow{loop, clock, random, {sts, iam, calls}, base, {.sts_rate = 2}};
  const auto began = clock.steady_now();
  const auto report = loop.run_through_time(slow.run(target(), std::stop_token{}));
  EXPECT_EQ(report.outcome, VerificationOutcome::passed);
  EXPECT_EQ(clock.steady_now() - began, std::chrono::seconds{4});  // ten calls, two of them at once
}

TEST_F(VerifierTest, EndsEarlyWhenAskedToStop) {
  role.accepts = nullptr;
  std::stop_source stop;
  std::optional<VerificationReport> report;
  TaskGroup group;
  group.spawn([](Verifier& checks, Target what, std::stop_token token,
                 std::optional<VerificationReport>& into) -> Task<void> {
    into = co_await checks.run(std::move(what), token);
  }(verifier, target(), stop.get_token(), report));
  loop.advance(std::chrono::seconds{10});
  EXPECT_FALSE(report.has_value());
  stop.request_stop();
  loop.run_ready();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->outcome, VerificationOutcome::inconclusive);
  EXPECT_EQ(report->retry_at, clock.now());
}

}  // namespace
}  // namespace deputy::verify
