// Group C: one tenant reaches, or learns about, what is another's. Class 45 (verification as an oracle) is
// here too.
#include "threats/verification.hpp"

#include <gmock/gmock.h>

namespace deputy {
namespace {

using registry::VerificationOutcome;
using std::chrono::milliseconds;

// All that a customer gets to see of a run, and how long it took.
struct Seen {
  std::string checks;
  milliseconds took{};
  VerificationOutcome outcome = VerificationOutcome::inconclusive;
  bool operator==(const Seen&) const = default;
};

class Oracle : public VerificationThreat {
 protected:
  // Answers take a moment, so that the number of calls shows in the time.
  static Task<void> pause(EventLoop& loop) { co_await sleep_for(loop, milliseconds{130}, std::stop_token{}); }

  Seen see(const ScriptedRole::Accepts& accepts, verify::Target what) {
    FakeClock own_clock;
    ManualLoop own_loop{own_clock};
    SeededRandom own_random{++seed_};
    FakeSts own_sts;
    own_sts.before_answer = [&own_loop]() -> Task<void> { return pause(own_loop); };
    ScriptedRole own_role{own_sts, own_clock, acme_role};
    own_role.accepts = accepts;
    own_role.identity = identity;
    own_role.trouble = trouble;
    verify::Verifier own{own_loop, own_clock, own_random, own_sts, base, {}};
    const auto began = own_clock.steady_now();
    const auto report = own_loop.run_through_time(own.run(std::move(what), std::stop_token{}));
    Seen seen{.took = std::chrono::duration_cast<milliseconds>(own_clock.steady_now() - began),
              .outcome = report.outcome};
    for (const registry::Check& check : report.checks)
      seen.checks += check.name + "|" + std::to_string(static_cast<int>(check.result)) + "|" + check.message +
                     "|" + check.mend.value_or("-") + "|" +
                     (check.evidence ? check.evidence->aws_error_code + "," + check.evidence->aws_request_id +
                                           "," + to_rfc3339_millis(check.evidence->at)
                                     : "-") +
                     "\n";
    if (report.account_id) seen.checks += "account shown\n";
    return seen;
  }
  verify::Target foreign() const {
    verify::Target what = target();
    what.conceal = true;
    return what;
  }

  std::optional<RoleArn> identity;
  ScriptedRole::Trouble trouble;

 private:
  std::uint64_t seed_ = 0;
};

// Classes 20 and 45: Mallory names a role in an account that is another tenant's. Whatever that role answers,
// she reads word for word what a role that does not exist gives, and after the same time.
TEST_F(Oracle, AForeignRoleAnswersLikeAMissingOne) {
  const Seen missing = see(nullptr, target());
  ASSERT_EQ(missing.outcome, VerificationOutcome::failed);
  EXPECT_EQ(see(nullptr, foreign()), missing);
  EXPECT_EQ(see(ScriptedRole::anything(), foreign()), missing) << "open";
  EXPECT_EQ(see([](const auto& id) { return id.has_value(); }, foreign()), missing) << "any external ID";
  EXPECT_EQ(see([](const auto& id) { return id && id->text().starts_with("3f2a9c4e"); }, foreign()), missing)
      << "prefix";
  EXPECT_EQ(see(ScriptedRole::only(ExternalId::parse("another-tenants-id").value()), foreign()), missing)
      << "safe, with its tenant's own ID";
}

TEST_F(Oracle, AForeignRoleThatFailsLateAnswersLikeAMissingOne) {
  const Seen missing = see(nullptr, target());
  identity = RoleArn::parse("arn:aws:iam::999999999999:role/acme-reader").value();
  EXPECT_EQ(see(ScriptedRole::only(acme_id), foreign()), missing) << "another account answers";
  identity.reset();

  verify::Target proof = foreign();
  proof.require_proof = true;
  EXPECT_EQ(see(ScriptedRole::only(acme_id), proof), missing) << "proof is required";

  int successes = 0;
  trouble = [&](const auto& call) -> std::optional<aws::AwsError> {
    if (call.request.external_id == acme_id && ++successes > 1) return FakeSts::denial();
    return std::nullopt;
  };
  EXPECT_EQ(see(ScriptedRole::only(acme_id), foreign()), missing) << "changed during the check";
}

TEST_F(Oracle, AForeignRoleInARotationAnswersLikeAMissingOne) {
  verify::Target what = target();
  what.next_external_id = ExternalId::parse("9d0c5b7a-1e2f-4a3b-8c4d-5e6f7a8b9c0d").value();
  const Seen missing = see(nullptr, what);
  what.conceal = true;
  EXPECT_EQ(see(ScriptedRole::anything(), what), missing);
}

// What AWS leaves open does not depend on the role: it is told as it would be for a missing one.
TEST_F(Oracle, TroubleInAForeignRoleLooksLikeTroubleBeforeIt) {
  trouble = [](const auto&) { return std::optional{FakeSts::throttle()}; };
  Seen before = see(nullptr, target());
  bool first = true;
  trouble = [&](const auto&) -> std::optional<aws::AwsError> {
    if (std::exchange(first, false)) return std::nullopt;
    return FakeSts::throttle();
  };
  Seen after = see(ScriptedRole::anything(), foreign());
  const auto without_times = [](std::string text) {
    for (std::size_t at = 0; (at = text.find("2026-01-01T", at)) != std::string::npos;) text.erase(at, 24);
    return text;
  };
  EXPECT_EQ(without_times(after.checks), without_times(before.checks));
  EXPECT_EQ(after.outcome, VerificationOutcome::inconclusive);
}

}  // namespace
}  // namespace deputy
