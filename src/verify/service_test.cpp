#include "verify/service.hpp"

#include "support/gate.hpp"
#include "support/service_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deputy::verify {
namespace {

using registry::ConnectionState;
using registry::VerificationOutcome;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const RoleArn acme_role = RoleArn::parse("arn:aws:iam::222222222222:role/reader").value();

class ServiceTest : public ServiceFixture {
 protected:
  registry::Connection acme = connect("Acme", acme_role);
};

TEST_F(ServiceTest, RunsWhatIsDueAndTellsOfTheChange) {
  trust[acme_role.text()] = only(acme);
  service->start();
  settle();
  EXPECT_EQ(state(acme), ConnectionState::active);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].state, ConnectionState::active);
  EXPECT_EQ(changes[0].proof, registry::Proof::probed);
}

TEST_F(ServiceTest, ProbesUnderTheConnectionsNameInProductionsForm) {
  trust[acme_role.text()] = only(acme);
  service->start();
  settle();
  EXPECT_EQ(sts.assume_role_calls.at(0).request.session_name.text(), acme.id.text() + "@verify");
}

TEST_F(ServiceTest, LooksAtOnceWhenWoken) {
  trust[acme_role.text()] = only(acme);
  service->start();
  settle();
  const RoleArn globex_role = RoleArn::parse("arn:aws:iam::333333333333:role/reader").value();
  const auto globex = connect("Globex", globex_role);
  trust[globex_role.text()] = only(globex);
  settle();
  EXPECT_EQ(state(globex), ConnectionState::verifying);
  service->wake();
  service->wake();
  settle();
  EXPECT_EQ(state(globex), ConnectionState::active);
}

TEST_F(ServiceTest, LooksByItselfEveryPoll) {
  service->start();
  settle();
  const RoleArn globex_role = RoleArn::parse("arn:aws:iam::333333333333:role/reader").value();
  const auto globex = connect("Globex", globex_role);
  trust[globex_role.text()] = only(globex);
  pass_time(seconds{31});
  EXPECT_EQ(state(globex), ConnectionState::active);
}

TEST_F(ServiceTest, RejectsAndSaysWhy) {
  trust[acme_role.text()] = ScriptedRole::anything();
  service->start();
  settle();
  EXPECT_EQ(state(acme), ConnectionState::rejected);
  const auto verification = registry().verifications(acme.id, {}).value().items.at(0);
  EXPECT_EQ(verification.outcome, VerificationOutcome::failed);
  EXPECT_EQ(verification.checks.at(1).result, registry::CheckResult::failed);
  EXPECT_TRUE(verification.checks.at(1).mend.has_value());
}

TEST_F(ServiceTest, WhatIsToBePastedIsOfTheIntegrationsTrustForm) {
  auto spec = integration_spec();
  spec.trust_form = registry::TrustForm::account_with_principal_arn;
  ASSERT_TRUE(registry().put_integration(actor(), spec));
  const RoleArn globex_role = RoleArn::parse("arn:aws:iam::333333333333:role/reader").value();
  const auto globex = connect("Globex", globex_role);
  trust[acme_role.text()] = trust[globex_role.text()] = ScriptedRole::anything();
  service->start();
  settle();
  const auto mend = [&](const registry::Connection& of) {
    return registry().verifications(of.id, {}).value().items.at(0).checks.at(1).mend.value_or("");
  };
  EXPECT_THAT(mend(acme), testing::Not(testing::HasSubstr("aws:PrincipalArn")));
  EXPECT_THAT(mend(globex),
              testing::HasSubstr(R"("aws:PrincipalArn": "arn:aws:iam::111111111111:role/deputy-broker")"));
}

TEST_F(ServiceTest, VerifiesAgainOnTheSchedule) {
  trust[acme_role.text()] = only(acme);
  service->start();
  settle();
  const auto before = sts.assume_role_calls.size();
  pass_time(hours{24});
  EXPECT_GT(sts.assume_role_calls.size(), before);
  EXPECT_EQ(state(acme), ConnectionState::active);
}

TEST_F(ServiceTest, AnInconclusiveRunIsTriedAgain) {
  trust[acme_role.text()] = only(acme);
  base.broken = true;
  service->start();
  settle();
  pass_time(seconds{10});
  EXPECT_EQ(state(acme), ConnectionState::verifying);
  base.broken = false;
  pass_time(minutes{3});
  EXPECT_EQ(state(acme), ConnectionState::active);
}

TEST_F(ServiceTest, TakesUpWhatARestartInterrupted) {
  trust[acme_role.text()] = only(acme);
  ASSERT_EQ(registry().claim_due(1, minutes{10}).value().size(), 1U);  // and then the process died
  service->start();
  settle();
  EXPECT_EQ(state(acme), ConnectionState::active);
}

TEST_F(ServiceTest, RunsOnlySoManySideBySide) {
  restart({.region = Region::parse("eu-central-1").value(), .in_flight_max = 2});
  std::vector<registry::Connection> all{acme};
  trust[acme_role.text()] = only(acme);
  for (int i = 0; i < 4; ++i) {
    const auto role = RoleArn::parse("arn:aws:iam::30000000000" + std::to_string(i) + ":role/reader").value();
    all.push_back(connect("Tenant " + std::to_string(i), role));
    trust[role.text()] = only(all.back());
  }
  Gate gate{loop};
  gate.close();
  sts.before_answer = [&] { return gate.pass(); };
  service->start();
  settle();
  EXPECT_EQ(gate.waiting(), 2U);
  gate.open();
  for (int i = 0; i < 5; ++i) pass_time(seconds{1});
  for (const auto& each : all) EXPECT_EQ(state(each), ConnectionState::active);
}

TEST_F(ServiceTest, ADatabaseThatFailsForAWhileLosesNothing) {
  trust[acme_role.text()] = only(acme);
  flaky.failing = true;
  service->start();
  settle();
  pass_time(minutes{5});
  EXPECT_TRUE(sts.assume_role_calls.empty());
  flaky.failing = false;
  pass_time(minutes{1});
  EXPECT_EQ(state(acme), ConnectionState::active);
}

TEST_F(ServiceTest, AnOutcomeSurvivesADatabaseThatIsBusy) {
  trust[acme_role.text()] = only(acme);
  Gate gate{loop};
  gate.close();
  sts.before_answer = [&] { return gate.pass(); };
  service->start();
  settle();
  flaky.failing = true;
  gate.open();
  settle();
  EXPECT_EQ(state(acme), ConnectionState::verifying);
  flaky.failing = false;
  pass_time(seconds{2});
  EXPECT_EQ(state(acme), ConnectionState::active);
}

TEST_F(ServiceTest, StoppingEndsAWaitingRunAndLeavesItDue) {
  service->start();
  settle();
  pass_time(seconds{20});  // the role does not exist: waiting for AWS
  const auto before = clock().steady_now();
  loop.run(service->stop());
  EXPECT_EQ(clock().steady_now(), before);
  EXPECT_EQ(state(acme), ConnectionState::verifying);
  EXPECT_EQ(registry().earliest_due().value(), clock().now());
}

TEST_F(ServiceTest, ARotationRunsThroughWithoutAGap) {
  trust[acme_role.text()] = only(acme);
  service->start();
  settle();
  const auto rotating = registry().begin_rotation(actor(), acme.id).value();
  const ExternalId next = rotating.rotation->next_external_id.value();
  trust[acme_role.text()] = [old = acme.external_id, next](const auto& id) {
    return id == old || id == next;
  };
  pass_time(hours{24});
  EXPECT_EQ(registry().connection(acme.id).value().rotation->state, registry::RotationState::verified);
  const auto promoted = registry().promote_rotation(actor(), acme.id).value();
  EXPECT_EQ(promoted.external_id, next);
  EXPECT_EQ(promoted.state, ConnectionState::active);
  service->wake();
  settle();
  EXPECT_EQ(state(acme), ConnectionState::active);
  trust[acme_role.text()] = ScriptedRole::only(next);
  pass_time(hours{24});
  EXPECT_FALSE(registry().connection(acme.id).value().rotation.has_value());
  EXPECT_EQ(state(acme), ConnectionState::active);
}

TEST_F(ServiceTest, APreviousIdThatOutstaysItsTimeSuspends) {
  trust[acme_role.text()] = only(acme);
  service->start();
  settle();
  const ExternalId next =
      registry().begin_rotation(actor(), acme.id).value().rotation->next_external_id.value();
  trust[acme_role.text()] = [old = acme.external_id, next](const auto& id) {
    return id == old || id == next;
  };
  pass_time(hours{24});
  ASSERT_TRUE(registry().promote_rotation(actor(), acme.id));
  for (int day = 0; day < 6; ++day) pass_time(hours{24});
  EXPECT_EQ(state(acme), ConnectionState::active);
  for (int day = 0; day < 3; ++day) pass_time(hours{24});
  EXPECT_EQ(state(acme), ConnectionState::suspended);
}

class ProgressTest : public ServiceTest {
 protected:
  // What a watcher sees each time STS is asked.
  void watch() {
    sts.on_assume_role = [this, inner = sts.on_assume_role](const FakeSts::AssumeRoleCall& call) {
      const auto runs = registry().verifications(acme.id, {}).value();
      seen.push_back(service->progress(runs.items.at(0).id));
      return inner(call);
    };
  }
  std::vector<std::optional<Progress>> seen;
};

TEST_F(ProgressTest, IsToldCheckByCheckAndForgottenAtTheEnd) {
  trust[acme_role.text()] = only(acme);
  watch();
  service->start();
  settle();
  ASSERT_EQ(state(acme), ConnectionState::active);
  ASSERT_GT(seen.size(), 6U);
  ASSERT_TRUE(seen.front() && seen.back());
  EXPECT_TRUE(seen.front()->settled.empty());
  ASSERT_EQ(seen.at(1)->settled.size(), 1U);
  EXPECT_EQ(seen.at(1)->settled[0].name, "role_assumable");
  EXPECT_FALSE(seen.at(1)->waiting_for_aws);
  EXPECT_EQ(seen.back()->settled.size(), 3U);  // before `role_still_assumable`
  EXPECT_FALSE(service->progress(registry().verifications(acme.id, {}).value().items.at(0).id));
}

TEST_F(ProgressTest, SaysThatAndHowLongItWaitsForAws) {
  watch();
  service->start();
  settle();
  pass_time(seconds{5});
  ASSERT_GE(seen.size(), 2U);
  ASSERT_TRUE(seen.at(1));
  EXPECT_TRUE(seen.at(1)->waiting_for_aws);
  EXPECT_TRUE(seen.at(1)->settled.empty());
  EXPECT_GT(seen.at(1)->waiting_until.value(), clock().now());
}

// THREATS 20 and 45: an account of another tenant's shows nothing while its role is probed, whatever it
// answers.
TEST_F(ProgressTest, OfAnotherTenantsAccountItTellsNothing) {
  ASSERT_TRUE(store().write([&](registry::Transaction& tx) -> Result<void> {
    DEPUTY_TRY(auto other, insert_active(tx, acme_role.account().text()));
    other.holds_account = true;
    return tx.update(other);
  }));
  trust[acme_role.text()] = ScriptedRole::anything();
  watch();
  service->start();
  settle();
  ASSERT_GT(seen.size(), 1U);
  for (std::size_t i = 1; i < seen.size(); ++i) {
    ASSERT_TRUE(seen[i]);
    EXPECT_TRUE(seen[i]->waiting_for_aws) << i;
    EXPECT_TRUE(seen[i]->settled.empty()) << i;
  }
  const auto running = registry().verifications(acme.id, {}).value().items.at(0);
  ASSERT_FALSE(running.done);
  EXPECT_TRUE(service->progress(running.id)->settled.empty());
}

}  // namespace
}  // namespace deputy::verify
