// What verifications do to connections: who is verified when, what is concealed, and what an outcome means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/registry_test_support.hpp"

namespace deputy::registry {
namespace {

class VerificationsTest : public RegistryTest {};

TEST_F(VerificationsTest, BecomesActiveOnlyThroughAVerification) {
  const auto connection = active_connection(make_tenant("Acme"));
  EXPECT_EQ(connection.state, ConnectionState::active);
  EXPECT_EQ(connection.account_id, acme_role.account());
}

// Two clicks on a button are two requests, and the second may come at any moment of what the first began.
TEST_F(VerificationsTest, ARoleThatIsSubmittedTwiceIsVerifiedOnce) {
  const auto connection = make_connection(make_tenant("Acme"));
  const Mandate by{actor(), connection.id};
  const auto first = registry().submit_role(by, acme_role).value();
  EXPECT_EQ(first.state, ConnectionState::verifying);
  EXPECT_EQ(registry().submit_role(by, acme_role).value().binding_version, first.binding_version);  // queued
  const auto task = only_task();
  EXPECT_EQ(registry().submit_role(by, acme_role).value().binding_version, first.binding_version);  // running
  EXPECT_EQ(registry().finish_verification(task, passed()).value().state, ConnectionState::active);
  EXPECT_EQ(registry().verifications(connection.id, {.limit = 10, .after = {}}).value().items.size(), 1U);
  EXPECT_EQ(journal_entries("connection.role_given"), 1U);
}

// The first role's check was a moment ago, so the second's is only due soon: that is no reason to refuse.
TEST_F(VerificationsTest, ARoleThatWaitsForItsTurnMayBeSubmittedAgain) {
  const auto connection = make_connection(make_tenant("Acme"));
  const Mandate by{actor(), connection.id};
  ASSERT_TRUE(registry().submit_role(by, acme_role));
  ASSERT_TRUE(registry().finish_verification(only_task(), failed()));
  const auto other = RoleArn::parse("arn:aws:iam::222222222222:role/other").value();
  const auto given = registry().submit_role(by, other).value();
  ASSERT_GT(given.next_verification_at, clock().now());
  const auto again = registry().submit_role(by, other);
  ASSERT_TRUE(again);
  EXPECT_EQ(again.value().revision, given.revision);
  clock().advance(1min);
  EXPECT_EQ(registry().finish_verification(only_task(), passed()).value().state, ConnectionState::active);
}

// A check that is far off is none that the customer could wait for.
TEST_F(VerificationsTest, ARoleWhoseCheckIsFarOffIsCheckedNow) {
  const auto connection = make_connection(make_tenant("Acme"));
  const Mandate by{actor(), connection.id};
  ASSERT_TRUE(registry().submit_role(by, acme_role));
  ASSERT_TRUE(store().write([&](Transaction& tx) -> Result<void> {
    auto later = tx.find_connection(connection.id).value().value();
    later.next_verification_at = clock().now() + 6h;
    return tx.update(later);
  }));
  ASSERT_TRUE(registry().claim_due(10, 10min).value().empty());
  ASSERT_TRUE(registry().submit_role(by, acme_role));
  EXPECT_EQ(registry().claim_due(10, 10min).value().size(), 1U);
}

TEST_F(VerificationsTest, NewerPermissionsThatWaitForTheirTurnAreQueuedForTheSameRole) {
  const auto connection = active_connection(make_tenant("Acme"));
  const Mandate by{actor(), connection.id};
  auto spec = integration_spec();
  spec.description = "Reads more";
  ASSERT_TRUE(registry().put_integration(actor(), spec));
  const auto adopted = registry().adopt_integration(by, 2).value();
  ASSERT_GT(adopted.next_verification_at, clock().now());
  const auto again = registry().submit_role(by, acme_role);
  ASSERT_TRUE(again);
  EXPECT_EQ(again.value().revision, adopted.revision);
}

TEST_F(VerificationsTest, AClockThatIsSetBackPutsNothingOff) {
  const auto connection = active_connection(make_tenant("Acme"));
  const Mandate by{actor(), connection.id};
  clock().jump(-6h);
  EXPECT_TRUE(registry().request_verification(actor(), connection.id));
  const auto soon = clock().now() + registry().settings().verification_min_interval;
  auto spec = integration_spec();
  spec.description = "Reads more";
  ASSERT_TRUE(registry().put_integration(actor(), spec));
  const auto adopted = registry().adopt_integration(by, 2);
  ASSERT_TRUE(adopted);
  EXPECT_EQ(adopted.value().next_verification_at, soon);
  const auto other = RoleArn::parse("arn:aws:iam::222222222222:role/other").value();
  EXPECT_EQ(registry().set_role(actor(), connection.id, other).value().next_verification_at, soon);
}

TEST_F(VerificationsTest, TheSameRoleSubmittedLaterIsVerifiedAgainAndStaysActive) {
  const auto connection = active_connection(make_tenant("Acme"));
  const Mandate by{actor(), connection.id};
  EXPECT_EQ(registry().submit_role(by, acme_role).error().kind, ErrorKind::rate_limited);
  clock().advance(1min);
  const auto again = registry().submit_role(by, acme_role).value();
  EXPECT_EQ(again.state, ConnectionState::active);
  EXPECT_EQ(again.binding_version, connection.binding_version);
  EXPECT_EQ(only_task().binding.version, connection.binding_version);
  EXPECT_EQ(
      registry().submit_role(by, RoleArn::parse("arn:aws:iam::999999999999:role/x").value()).error().kind,
      ErrorKind::account_mismatch);
}

TEST_F(VerificationsTest, DropsAResultForAnOlderBinding) {
  const auto connection = make_connection(make_tenant("Acme"));
  ASSERT_TRUE(registry().set_role(actor(), connection.id, acme_role));
  const auto old_task = only_task();
  const auto other = RoleArn::parse("arn:aws:iam::222222222222:role/other").value();
  ASSERT_TRUE(registry().set_role(actor(), connection.id, other));
  const auto after = registry().finish_verification(old_task, passed()).value();
  EXPECT_EQ(after.state, ConnectionState::verifying);
  EXPECT_EQ(after.role_arn, other);
  EXPECT_FALSE(after.verified_at);
}

TEST_F(VerificationsTest, DropsAResultThatArrivesAfterDisconnecting) {
  const auto connection = make_connection(make_tenant("Acme"));
  ASSERT_TRUE(registry().set_role(actor(), connection.id, acme_role));
  const auto task = only_task();
  ASSERT_TRUE(registry().disconnect(actor(), connection.id));
  EXPECT_EQ(registry().finish_verification(task, passed()).value().state, ConnectionState::disconnected);
  EXPECT_TRUE(registry().disconnect(actor(), connection.id));
  EXPECT_EQ(registry().set_role(actor(), connection.id, acme_role).error().kind,
            ErrorKind::connection_disconnected);
  EXPECT_EQ(registry().request_verification(actor(), connection.id).error().kind,
            ErrorKind::connection_disconnected);
}

TEST_F(VerificationsTest, ALeaseKeepsOthersAwayUntilItEnds) {
  const auto connection = make_connection(make_tenant("Acme"));
  ASSERT_TRUE(registry().set_role(actor(), connection.id, acme_role));
  const auto task = only_task();
  EXPECT_TRUE(registry().claim_due(10, 10min).value().empty());
  clock().advance(11min);
  EXPECT_EQ(only_task().verification.id, task.verification.id);
}

TEST_F(VerificationsTest, ARestartFindsWhatWasRunning) {
  const auto connection = make_connection(make_tenant("Acme"));
  ASSERT_TRUE(registry().set_role(actor(), connection.id, acme_role));
  const auto task = only_task();
  ASSERT_TRUE(registry().recover_verifications());
  EXPECT_EQ(only_task().verification.id, task.verification.id);
}

TEST_F(VerificationsTest, AnotherTenantsAccountIsConcealedAndReviewed) {
  active_connection(make_tenant("Acme"));
  const auto mallory = make_connection(make_tenant("Mallory"));
  ASSERT_TRUE(registry().set_role(actor(), mallory.id, acme_role));
  const auto task = only_task();
  EXPECT_TRUE(task.conceal);
  const auto after = registry().finish_verification(task, passed()).value();
  EXPECT_EQ(after.state, ConnectionState::in_review);
  EXPECT_EQ(registry().release(actor(), mallory.id).value().state, ConnectionState::active);
}

// What a run that was not concealed found says what the role's policies name, also when it passed.
TEST_F(VerificationsTest, AnAccountThatBecomesAnotherTenantsDuringARunIsLookedAtAgain) {
  const auto mallory = make_connection(make_tenant("Mallory"));
  ASSERT_TRUE(registry().set_role(actor(), mallory.id, acme_role));
  const auto open = only_task();
  ASSERT_FALSE(open.conceal);
  active_connection(make_tenant("Acme"));
  auto report = passed();
  report.checks.push_back({.name = "permissions", .message = "grants `secret:Project`"});
  EXPECT_EQ(registry().finish_verification(open, report).value().state, ConnectionState::verifying);
  EXPECT_TRUE(registry().verification(mallory.id, open.verification.id).value().checks.empty());
  clock().advance(1s);
  const auto again = only_task();
  EXPECT_TRUE(again.conceal);
  EXPECT_EQ(registry().finish_verification(again, passed()).value().state, ConnectionState::in_review);
}

TEST_F(VerificationsTest, AnAccountStaysHeldWhileItsTenantsNewRoleIsVerified) {
  const auto acme = active_connection(make_tenant("Acme"));
  clock().advance(1h);
  ASSERT_TRUE(registry().set_role(actor(), acme.id, acme_role));
  const auto acme_again = only_task();
  EXPECT_FALSE(acme_again.conceal);
  const auto mallory = make_connection(make_tenant("Mallory"));
  ASSERT_TRUE(registry().set_role(actor(), mallory.id, acme_role));
  const auto task = only_task();
  EXPECT_TRUE(task.conceal);
  EXPECT_EQ(registry().finish_verification(task, passed()).value().state, ConnectionState::in_review);
  EXPECT_EQ(registry().finish_verification(acme_again, passed()).value().state, ConnectionState::active);
}

TEST_F(VerificationsTest, AnAccountIsHeldByWhoWasActiveOnlyUntilDisconnect) {
  const auto acme_tenant = make_tenant("Acme");
  const auto only_claims = make_connection(make_tenant("Mallory"));
  ASSERT_TRUE(registry().set_role(actor(), only_claims.id, acme_role));
  ASSERT_TRUE(registry().finish_verification(only_task(), failed()));
  const auto acme = active_connection(acme_tenant);  // was not sent to review by a mere claim
  ASSERT_TRUE(registry().disconnect(actor(), acme.id));
  const auto next = make_connection(make_tenant("Globex"));
  ASSERT_TRUE(registry().set_role(actor(), next.id, acme_role));
  EXPECT_FALSE(only_task().conceal);
}

// Globex' role is open: it answered, and was rejected. What Mallory names there tells her nothing.
TEST_F(VerificationsTest, AnAccountWhereAnotherTenantsRoleAnsweredIsConcealed) {
  const auto globex = make_connection(make_tenant("Globex"));
  ASSERT_TRUE(registry().set_role(actor(), globex.id, acme_role));
  auto open = failed();
  open.role_answered = true;
  ASSERT_EQ(registry().finish_verification(only_task(), open).value().state, ConnectionState::rejected);
  const auto mallory = make_connection(make_tenant("Mallory"));
  clock().advance(1min);
  ASSERT_TRUE(registry().set_role(actor(), mallory.id, acme_role));
  auto task = only_task();
  EXPECT_TRUE(task.conceal);
  auto denied = failed();
  denied.role_answered = true;  // the verifier says so of a run that it concealed
  ASSERT_TRUE(registry().finish_verification(task, denied));
  // Who was first goes on reading what is wrong, with another role in the account and another connection too.
  clock().advance(1min);
  ASSERT_TRUE(
      registry().set_role(actor(), globex.id, RoleArn::parse("arn:aws:iam::222222222222:role/b").value()));
  task = only_task();
  EXPECT_FALSE(task.conceal);
  EXPECT_EQ(registry().finish_verification(task, passed()).value().state, ConnectionState::active);
  ASSERT_TRUE(registry().request_verification(actor(), mallory.id));
  EXPECT_EQ(registry().finish_verification(only_task(), passed()).value().state, ConnectionState::in_review);
  // Who disconnects gives the account up.
  ASSERT_TRUE(registry().disconnect(actor(), globex.id));
  clock().advance(1min);
  ASSERT_TRUE(registry().request_verification(actor(), mallory.id));
  EXPECT_FALSE(only_task().conceal);
}

TEST_F(VerificationsTest, AnAccountThatWasNamedForAnotherTenantIsConcealed) {
  const auto globex = make_tenant("Globex");
  const NewConnection named{globex.id, integration_name(), acme_role.account()};
  const auto first = registry().create_connection(actor(), named, std::nullopt).value().value;
  clock().advance(1s);
  const auto mallory_tenant = make_tenant("Mallory");
  const auto mallory = make_connection(mallory_tenant);
  ASSERT_TRUE(registry().set_role(actor(), mallory.id, acme_role));
  const auto task = only_task();
  EXPECT_TRUE(task.conceal);
  ASSERT_TRUE(registry().finish_verification(task, failed()));
  const auto second = registry().create_connection(
      actor(), {mallory_tenant.id, integration_name(), acme_role.account()}, std::nullopt);
  ASSERT_TRUE(second);
  ASSERT_TRUE(registry().set_role(actor(), second.value().value.id, acme_role));
  EXPECT_TRUE(only_task().conceal) << "named later";
  // Every connection of the tenant that was first.
  ASSERT_TRUE(registry().set_role(actor(), make_connection(globex).id, acme_role));
  EXPECT_FALSE(only_task().conceal);
  ASSERT_TRUE(registry().set_role(actor(), first.id, acme_role));
  EXPECT_FALSE(only_task().conceal);
}

// Named, or once answered: that conceals. For a review the account must be active for somebody else.
TEST_F(VerificationsTest, OnlyAnAccountThatIsActiveForAnotherTenantIsReviewed) {
  const NewConnection named{make_tenant("Globex").id, integration_name(), acme_role.account()};
  const auto globex = registry().create_connection(actor(), named, std::nullopt).value().value;
  clock().advance(1s);
  const auto acme = make_connection(make_tenant("Acme"));
  ASSERT_TRUE(registry().set_role(actor(), acme.id, acme_role));
  EXPECT_EQ(registry().finish_verification(only_task(), passed()).value().state, ConnectionState::active);
  ASSERT_TRUE(registry().set_role(actor(), globex.id, acme_role));
  EXPECT_EQ(registry().finish_verification(only_task(), passed()).value().state, ConnectionState::in_review);
}

// Whose role it is reads a denial; the partner reads which role is wrong, and in what.
TEST_F(VerificationsTest, TheJournalSaysWhatWasConcealed) {
  active_connection(make_tenant("Acme"));
  const auto mallory = make_connection(make_tenant("Mallory"));
  ASSERT_TRUE(registry().set_role(actor(), mallory.id, acme_role));
  auto report = failed();
  report.concealed_failure = "external_id_required";
  ASSERT_TRUE(registry().finish_verification(only_task(), report));
  const auto details = journal_details("verification.finished");
  ASSERT_EQ(details.size(), 2U);
  EXPECT_THAT(details,
              testing::Contains(testing::HasSubstr(R"("concealed_failure":"external_id_required")")));
  EXPECT_THAT(details, testing::Contains(testing::Not(testing::HasSubstr("concealed"))));
}

TEST_F(VerificationsTest, ARunThatLeftItOpenProvesNothing) {
  const auto acme = active_connection(make_tenant("Acme"));
  clock().advance(1min);
  ASSERT_TRUE(registry().request_verification(actor(), acme.id));
  const auto task = only_task();
  EXPECT_EQ(registry().finish_verification(task, {}).value().proof, Proof::probed);
  const auto run = registry().verification(acme.id, task.verification.id).value();
  EXPECT_EQ(run.outcome, VerificationOutcome::inconclusive);
  EXPECT_EQ(run.proof, Proof::none);
}

TEST_F(VerificationsTest, AFirstVerificationThatWasLeftOpenIsTriedAgainSoonAndThenLater) {
  const auto acme = make_connection(make_tenant("Acme"));
  ASSERT_TRUE(registry().set_role(actor(), acme.id, acme_role));
  for (const auto least : {5s, 10s, 20s, 40s, 60s, 60s}) {
    const auto after = registry().finish_verification(only_task(), {}).value();
    EXPECT_EQ(after.state, ConnectionState::verifying);
    const auto wait = after.next_verification_at.value() - clock().now();
    EXPECT_GE(wait, least);
    EXPECT_LE(wait, 2 * least);
    clock().advance(wait);
  }
  ASSERT_EQ(registry().finish_verification(only_task(), passed()).value().state, ConnectionState::active);
  clock().advance(1min);
  ASSERT_TRUE(registry().request_verification(actor(), acme.id));
  const auto in_use = registry().finish_verification(only_task(), {}).value();
  EXPECT_GE(in_use.next_verification_at.value() - clock().now(), 60s);
}

TEST_F(VerificationsTest, WhoOnlyTypesAnAccountKeepsNobodyOut) {
  const auto squatter = make_connection(make_tenant("Mallory"));
  ASSERT_TRUE(registry().set_role(actor(), squatter.id, acme_role));
  const auto typed = only_task();
  const auto owner = make_connection(make_tenant("Globex"));
  ASSERT_TRUE(registry().set_role(actor(), owner.id, acme_role));
  const auto task = only_task();
  EXPECT_FALSE(task.conceal) << "while it is verified";
  ASSERT_TRUE(registry().finish_verification(typed, failed()));
  auto wrong = failed();
  wrong.role_answered = true;
  ASSERT_TRUE(registry().finish_verification(task, wrong));
  clock().advance(1min);
  ASSERT_TRUE(registry().request_verification(actor(), owner.id));
  EXPECT_FALSE(only_task().conceal) << "after it was denied";
}

// What answered in one account claims nothing in the next that is typed.
TEST_F(VerificationsTest, AClaimStaysInItsAccount) {
  const auto squatter = make_connection(make_tenant("Mallory"));
  ASSERT_TRUE(registry().set_role(actor(), squatter.id,
                                  RoleArn::parse("arn:aws:iam::444444444444:role/mine").value()));
  auto answered = failed();
  answered.role_answered = true;
  ASSERT_TRUE(registry().finish_verification(only_task(), answered));
  clock().advance(1min);
  ASSERT_TRUE(registry().set_role(actor(), squatter.id, acme_role));
  ASSERT_TRUE(registry().finish_verification(only_task(), failed()));
  ASSERT_TRUE(registry().set_role(actor(), make_connection(make_tenant("Globex")).id, acme_role));
  EXPECT_FALSE(only_task().conceal);
}

TEST_F(VerificationsTest, VerificationsAreKeptApart) {
  const auto connection = active_connection(make_tenant("Acme"));
  const auto soon = registry().request_verification(actor(), connection.id);
  ASSERT_FALSE(soon);
  EXPECT_EQ(soon.error().kind, ErrorKind::rate_limited);
  EXPECT_TRUE(soon.error().retry_after);
  clock().advance(10s);
  const auto later = registry().request_verification(actor(), connection.id);
  ASSERT_TRUE(later);
  EXPECT_EQ(registry().request_verification(actor(), connection.id).value().id, later.value().id);
  EXPECT_EQ(registry().connection(connection.id).value().state, ConnectionState::active);
}

TEST_F(VerificationsTest, ATenantHasItsVerificationsPerHour) {
  const auto acme = make_tenant("Acme");
  for (std::size_t i = 0; i < registry().settings().verifications_per_tenant_per_hour; ++i) {
    ASSERT_TRUE(registry().set_role(actor(), make_connection(acme).id, acme_role));
  }
  EXPECT_EQ(registry().set_role(actor(), make_connection(acme).id, acme_role).error().kind,
            ErrorKind::rate_limited);
  EXPECT_TRUE(registry().set_role(actor(), make_connection(make_tenant("Globex")).id, acme_role));
  clock().advance(1h + 1s);
  EXPECT_TRUE(registry().set_role(actor(), make_connection(acme).id, acme_role));
}

TEST_F(VerificationsTest, VerificationNeedsARole) {
  const auto connection = make_connection(make_tenant("Acme"));
  EXPECT_EQ(registry().request_verification(actor(), connection.id).error().kind, ErrorKind::conflict);
}

TEST_F(VerificationsTest, DriftSuspendsAndRepairReactivates) {
  const auto connection = active_connection(make_tenant("Acme"));
  clock().advance(24h);
  EXPECT_EQ(registry().finish_verification(only_task(), failed()).value().state, ConnectionState::suspended);
  clock().advance(24h);
  EXPECT_EQ(registry().finish_verification(only_task(), passed()).value().state, ConnectionState::active);
  EXPECT_EQ(registry().connection(connection.id).value().state, ConnectionState::active);
}

}  // namespace
}  // namespace deputy::registry
