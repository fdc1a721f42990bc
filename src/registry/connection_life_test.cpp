#include "registry/connection_life.hpp"

#include "support/fake_random.hpp"

#include <gtest/gtest.h>

#include "registry/external_id.hpp"

namespace deputy::registry {
namespace {

using namespace std::chrono_literals;
using enum ConnectionState;

const Timestamp start{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
const RoleArn role = RoleArn::parse("arn:aws:iam::222222222222:role/reader").value();

class ConnectionLife : public testing::Test {
 protected:
  Connection fresh() {
    return Connection{.id = ConnectionId::draw(random_),
                      .tenant_id = TenantId::draw(random_),
                      .integration = IntegrationName::parse("log-reader").value(),
                      .account_id = std::nullopt,
                      .external_id = issue_external_id(random_),
                      .rotation = std::nullopt,
                      .role_arn = std::nullopt,
                      .verified_at = std::nullopt,
                      .last_verification = std::nullopt,
                      .next_verification_at = std::nullopt,
                      .created_at = start,
                      .updated_at = start};
  }
  Connection in_state(ConnectionState state) {
    Connection connection = with_role(fresh(), role, start);
    connection.state = state;
    return connection;
  }
  VerificationFacts facts(VerificationOutcome outcome) {
    VerificationFacts made{.id = VerificationId::draw(random_),
                           .report = {},
                           .next_external_id_tried = std::nullopt,
                           .now = start + 1h,
                           .next_due = start + 24h,
                           .retry_due = start + 2h};
    made.report.outcome = outcome;
    made.report.proof = outcome == VerificationOutcome::passed ? Proof::probed : Proof::none;
    return made;
  }
  Connection finished(Connection connection, VerificationOutcome outcome) {
    return with_verification_finished(std::move(connection), facts(outcome));
  }
  SeededRandom random_;
};

TEST_F(ConnectionLife, PassingMakesActiveAndBindsTheAccount) {
  const auto after = finished(in_state(verifying), VerificationOutcome::passed);
  EXPECT_EQ(after.state, active);
  EXPECT_EQ(after.account_id, role.account());
  EXPECT_EQ(after.verified_at, start + 1h);
  EXPECT_EQ(after.proof, Proof::probed);
  EXPECT_EQ(after.next_verification_at, start + 24h);
}

TEST_F(ConnectionLife, FailingRejectsTheNewAndSuspendsTheUsed) {
  EXPECT_EQ(finished(in_state(verifying), VerificationOutcome::failed).state, rejected);
  EXPECT_EQ(finished(in_state(in_review), VerificationOutcome::failed).state, rejected);
  const auto suspended_now = finished(in_state(active), VerificationOutcome::failed);
  EXPECT_EQ(suspended_now.state, suspended);
  EXPECT_FALSE(suspended_now.verified_at);
  EXPECT_TRUE(suspended_now.next_verification_at);
  EXPECT_EQ(finished(suspended_now, VerificationOutcome::passed).state, active);
  EXPECT_FALSE(finished(in_state(verifying), VerificationOutcome::failed).next_verification_at);
}

TEST_F(ConnectionLife, InconclusiveChangesNoState) {
  for (const ConnectionState state : {verifying, active, suspended, in_review, rejected}) {
    auto before = in_state(state);
    before.verified_at = start;
    before.proof = Proof::probed;
    const auto after = finished(before, VerificationOutcome::inconclusive);
    EXPECT_EQ(after.state, state);
    EXPECT_EQ(after.verified_at, start);
    EXPECT_EQ(after.proof, Proof::probed);
    EXPECT_EQ(after.next_verification_at, start + 2h);
  }
}

TEST_F(ConnectionLife, AnAccountOfAnotherTenantGoesToReviewUntilReleased) {
  auto found = facts(VerificationOutcome::passed);
  found.held_by_another_tenant = true;
  const auto reviewed = with_verification_finished(in_state(verifying), found);
  EXPECT_EQ(reviewed.state, in_review);
  EXPECT_EQ(finished(reviewed, VerificationOutcome::passed).state, in_review);
  EXPECT_FALSE(reviewed.holds_account);
  EXPECT_EQ(released(reviewed).value().state, active);
  EXPECT_TRUE(released(reviewed).value().holds_account);
  EXPECT_EQ(released(in_state(verifying)).error().kind, ErrorKind::conflict);
  // Who was first stays active.
  EXPECT_EQ(with_verification_finished(in_state(active), found).state, active);
}

TEST_F(ConnectionLife, RequiredProofIsNotReplacedByProbes) {
  auto found = facts(VerificationOutcome::passed);
  found.require_proof = true;
  EXPECT_EQ(with_verification_finished(in_state(verifying), found).state, rejected);
  found.report.proof = Proof::proved;
  EXPECT_EQ(with_verification_finished(in_state(verifying), found).state, active);
}

TEST_F(ConnectionLife, ANewRoleVoidsTheVerificationAndTheBinding) {
  const auto before = finished(in_state(verifying), VerificationOutcome::passed);
  const auto after = with_role(before, role, start);
  EXPECT_EQ(after.state, verifying);
  EXPECT_FALSE(after.verified_at);
  EXPECT_EQ(after.proof, Proof::none);
  EXPECT_GT(after.binding_version, before.binding_version);
}

TEST_F(ConnectionLife, RotationKeepsAccessAtEveryStep) {
  auto connection = finished(in_state(verifying), VerificationOutcome::passed);
  const auto old_id = connection.external_id;
  const auto next_id = issue_external_id(random_);
  connection = with_rotation(connection, next_id).value();
  EXPECT_EQ(connection.state, active);
  EXPECT_EQ(with_rotation_promoted(connection, start, start + 7 * 24h).error().kind, ErrorKind::conflict);
  EXPECT_EQ(with_rotation(connection, next_id).error().kind, ErrorKind::conflict);

  auto found = facts(VerificationOutcome::passed);
  connection = with_verification_finished(connection, found);
  EXPECT_EQ(connection.rotation->state, RotationState::awaiting_customer);
  found.next_external_id_tried = next_id;
  found.report.next_external_id_works = true;
  connection = with_verification_finished(connection, found);
  EXPECT_EQ(connection.rotation->state, RotationState::verified);

  const auto promoted = with_rotation_promoted(connection, start + 2h, start + 7 * 24h).value();
  EXPECT_EQ(promoted.external_id, next_id);
  EXPECT_EQ(promoted.rotation->previous_external_id, old_id);
  EXPECT_EQ(promoted.rotation->state, RotationState::retiring);
  EXPECT_EQ(promoted.state, active);
  EXPECT_TRUE(promoted.verified_at);
  EXPECT_GT(promoted.binding_version, connection.binding_version);
  EXPECT_EQ(with_rotation_cancelled(promoted).error().kind, ErrorKind::conflict);

  auto denied = facts(VerificationOutcome::passed);
  denied.report.previous_external_id_denied = true;
  EXPECT_FALSE(with_verification_finished(promoted, denied).rotation);
}

TEST_F(ConnectionLife, AnotherNextIdThanTheOneTriedDoesNotCount) {
  auto connection = with_rotation(in_state(active), issue_external_id(random_)).value();
  auto found = facts(VerificationOutcome::passed);
  found.next_external_id_tried = issue_external_id(random_);
  found.report.next_external_id_works = true;
  EXPECT_EQ(with_verification_finished(connection, found).rotation->state, RotationState::awaiting_customer);
}

TEST_F(ConnectionLife, AFailureTakesTheNextIdBackToTheCustomer) {
  auto connection = with_rotation(in_state(active), issue_external_id(random_)).value();
  connection.rotation->state = RotationState::verified;
  connection.rotation->verified_at = start;
  const auto after = finished(connection, VerificationOutcome::failed);
  EXPECT_EQ(after.state, suspended);
  EXPECT_EQ(after.rotation->state, RotationState::awaiting_customer);
  EXPECT_FALSE(with_rotation_promoted(after, start, start));
}

TEST_F(ConnectionLife, DisconnectedIsFinal) {
  const auto ended = registry::disconnected(in_state(active));
  EXPECT_EQ(ended.state, ConnectionState::disconnected);
  EXPECT_FALSE(ended.next_verification_at);
  EXPECT_EQ(require_connected(ended).error().kind, ErrorKind::connection_disconnected);
  EXPECT_EQ(with_rotation(ended, issue_external_id(random_)).error().kind,
            ErrorKind::connection_disconnected);
  EXPECT_EQ(released(ended).error().kind, ErrorKind::connection_disconnected);
}

}  // namespace
}  // namespace deputy::registry
