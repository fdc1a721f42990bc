#include "registry/registry.hpp"

#include "support/registry_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deputy::registry {
namespace {

using namespace std::chrono_literals;

const RoleArn acme_role = RoleArn::parse("arn:aws:iam::222222222222:role/reader").value();

class RegistryTest : public RegistryFixture {
 protected:
  VerificationTask only_task() {
    auto tasks = registry().claim_due(10, 10min).value();
    EXPECT_EQ(tasks.size(), 1U);
    return std::move(tasks.front());
  }
  static VerificationReport passed() {
    return {.outcome = VerificationOutcome::passed,
            .proof = Proof::probed,
            .checks = {},
            .account_id = {},
            .retry_at = {}};
  }
  static VerificationReport failed() {
    return {.outcome = VerificationOutcome::failed, .checks = {}, .account_id = {}, .retry_at = {}};
  }

  Connection active_connection(const Tenant& tenant, const RoleArn& role = acme_role) {
    const auto connection = make_connection(tenant);
    EXPECT_TRUE(registry().set_role(actor(), connection.id, role));
    return registry().finish_verification(only_task(), passed()).value();
  }
  std::vector<std::string> journal_details(std::string_view act) {
    std::vector<std::string> details;
    const auto page = registry().journal({.limit = 200, .after = {}}).value();
    for (const auto& chained : page.items)
      if (chained.entry.act == act) details.push_back(chained.entry.detail);
    return details;
  }
  std::size_t journal_entries(std::string_view act) { return journal_details(act).size(); }
};

TEST_F(RegistryTest, AConnectionGetsItsExternalIdBeforeAnyRoleExists) {
  const auto acme = make_tenant("Acme");
  const auto a = make_connection(acme);
  const auto b = make_connection(acme);
  EXPECT_EQ(a.state, ConnectionState::awaiting_role);
  EXPECT_EQ(a.external_id.text().size(), 36U);
  EXPECT_NE(a.external_id, b.external_id);
  EXPECT_EQ(journal_entries("connection.created"), 2U);
}

TEST_F(RegistryTest, WhatDoesNotExistIsNotFound) {
  EXPECT_EQ(registry().tenant(TenantId::draw(random())).error().kind, ErrorKind::not_found);
  EXPECT_EQ(registry().connection(ConnectionId::draw(random())).error().kind, ErrorKind::not_found);
  const NewConnection stranger{TenantId::draw(random()), integration_name(), std::nullopt};
  EXPECT_EQ(registry().create_connection(actor(), stranger, std::nullopt).error().kind, ErrorKind::not_found);
}

TEST_F(RegistryTest, CreatingTwiceUnderOneIdempotencyKeyMakesOne) {
  const Idempotency once{"key_x POST /v1/tenants", "k1", "fingerprint"};
  const auto first = registry().create_tenant(actor(), {"Acme", std::nullopt}, once).value();
  const auto again = registry().create_tenant(actor(), {"Acme", std::nullopt}, once).value();
  EXPECT_FALSE(first.replayed);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(first.value.id, again.value.id);
  const Idempotency other{once.scope, once.key, "another fingerprint"};
  EXPECT_EQ(registry().create_tenant(actor(), {"Other", std::nullopt}, other).error().kind,
            ErrorKind::idempotency_conflict);
}

TEST_F(RegistryTest, EveryKeyHasAKeysForm) {
  const auto name = WorkloadName::parse("log-loader").value();
  ASSERT_TRUE(registry().put_workload(actor(), {.name = name, .grants = {}}));
  for (const KeyRole role : {KeyRole::admin, KeyRole::onboarding, KeyRole::workload, KeyRole::auditor}) {
    NewKey wanted{.role = role};
    if (role == KeyRole::workload) wanted.workload = name;
    const auto made = registry().create_key(actor(), wanted, std::nullopt).value();
    const std::string secret{made.value.secret->reveal()};
    EXPECT_TRUE(is_key_secret(secret));
    EXPECT_FALSE(is_key_secret(secret + "a"));
    EXPECT_FALSE(is_key_secret("x" + secret));
  }
  EXPECT_FALSE(is_key_secret(""));
}

TEST_F(RegistryTest, AReplayedKeyHasNoSecret) {
  const Idempotency once{"key_x POST /v1/keys", "k1", "fingerprint"};
  const NewKey wanted{.role = KeyRole::auditor, .workload = {}, .connection_id = {}, .expires_in = {}};
  EXPECT_TRUE(registry().create_key(actor(), wanted, once).value().value.secret);
  EXPECT_FALSE(registry().create_key(actor(), wanted, once).value().value.secret);
}

TEST_F(RegistryTest, RefusesRolesThatAreNotTheCustomers) {
  const auto connection = make_connection(make_tenant("Acme"));
  const auto own = RoleArn::parse("arn:aws:iam::111111111111:role/reader").value();
  EXPECT_EQ(registry().set_role(actor(), connection.id, own).error().kind, ErrorKind::role_arn_forbidden);
  const auto china = RoleArn::parse("arn:aws-cn:iam::222222222222:role/reader").value();
  EXPECT_EQ(registry().set_role(actor(), connection.id, china).error().kind, ErrorKind::role_arn_invalid);
  EXPECT_EQ(registry().connection(connection.id).value().state, ConnectionState::awaiting_role);
  EXPECT_EQ(journal_entries("connection.role_given"), 1U);  // the refusal of our own account is on record
}

TEST_F(RegistryTest, HoldsTheAccountThatWasNamedAtCreation) {
  const auto acme = make_tenant("Acme");
  const NewConnection wanted{acme.id, integration_name(), AccountId::parse("333333333333").value()};
  const auto connection = registry().create_connection(actor(), wanted, std::nullopt).value().value;
  EXPECT_EQ(registry().set_role(actor(), connection.id, acme_role).error().kind, ErrorKind::account_mismatch);
  EXPECT_EQ(journal_entries("connection.role_given"), 1U);  // as refused
}

TEST_F(RegistryTest, BecomesActiveOnlyThroughAVerification) {
  const auto connection = active_connection(make_tenant("Acme"));
  EXPECT_EQ(connection.state, ConnectionState::active);
  EXPECT_EQ(connection.account_id, acme_role.account());
}

TEST_F(RegistryTest, DropsAResultForAnOlderBinding) {
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

TEST_F(RegistryTest, DropsAResultThatArrivesAfterDisconnecting) {
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

TEST_F(RegistryTest, ALeaseKeepsOthersAwayUntilItEnds) {
  const auto connection = make_connection(make_tenant("Acme"));
  ASSERT_TRUE(registry().set_role(actor(), connection.id, acme_role));
  const auto task = only_task();
  EXPECT_TRUE(registry().claim_due(10, 10min).value().empty());
  clock().advance(11min);
  EXPECT_EQ(only_task().verification.id, task.verification.id);
}

TEST_F(RegistryTest, ARestartFindsWhatWasRunning) {
  const auto connection = make_connection(make_tenant("Acme"));
  ASSERT_TRUE(registry().set_role(actor(), connection.id, acme_role));
  const auto task = only_task();
  ASSERT_TRUE(registry().recover_verifications());
  EXPECT_EQ(only_task().verification.id, task.verification.id);
}

TEST_F(RegistryTest, AnotherTenantsAccountIsConcealedAndReviewed) {
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
TEST_F(RegistryTest, AnAccountThatBecomesAnotherTenantsDuringARunIsLookedAtAgain) {
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

TEST_F(RegistryTest, AnAccountStaysHeldWhileItsTenantsNewRoleIsVerified) {
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

TEST_F(RegistryTest, AnAccountIsHeldByWhoWasActiveOnlyUntilDisconnect) {
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
TEST_F(RegistryTest, AnAccountWhereAnotherTenantsRoleAnsweredIsConcealed) {
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

TEST_F(RegistryTest, AnAccountThatWasNamedForAnotherTenantIsConcealed) {
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
TEST_F(RegistryTest, OnlyAnAccountThatIsActiveForAnotherTenantIsReviewed) {
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
TEST_F(RegistryTest, TheJournalSaysWhatWasConcealed) {
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

TEST_F(RegistryTest, ARunThatLeftItOpenProvesNothing) {
  const auto acme = active_connection(make_tenant("Acme"));
  clock().advance(1min);
  ASSERT_TRUE(registry().request_verification(actor(), acme.id));
  const auto task = only_task();
  EXPECT_EQ(registry().finish_verification(task, {}).value().proof, Proof::probed);
  const auto run = registry().verification(acme.id, task.verification.id).value();
  EXPECT_EQ(run.outcome, VerificationOutcome::inconclusive);
  EXPECT_EQ(run.proof, Proof::none);
}

TEST_F(RegistryTest, AFirstVerificationThatWasLeftOpenIsTriedAgainSoonAndThenLater) {
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

TEST_F(RegistryTest, WhoOnlyTypesAnAccountKeepsNobodyOut) {
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
TEST_F(RegistryTest, AClaimStaysInItsAccount) {
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

TEST_F(RegistryTest, ANewRoleHasNoVerificationYet) {
  const auto acme = active_connection(make_tenant("Acme"));
  ASSERT_TRUE(acme.last_verification);
  clock().advance(1min);
  EXPECT_FALSE(registry().set_role(actor(), acme.id, acme_role).value().last_verification);
}

TEST_F(RegistryTest, TheJournalTellsWhetherARoleIsTheSameWithoutNamingIt) {
  const auto acme = make_tenant("Acme");
  const auto other = RoleArn::parse("arn:aws:iam::222222222222:role/other").value();
  for (const RoleArn& role : {acme_role, other, acme_role})
    ASSERT_TRUE(registry().set_role(actor(), make_connection(acme).id, role));
  const auto details = journal_details("connection.role_given");
  ASSERT_EQ(details.size(), 3U);
  EXPECT_EQ(details[0], details[2]);
  EXPECT_NE(details[0], details[1]);
  EXPECT_NE(details[0].find("\"role_arn_hash\""), std::string::npos);
  const auto account_of = [](const std::string& detail) {
    return detail.substr(detail.find("account_hash"));
  };
  EXPECT_EQ(account_of(details[0]), account_of(details[1]));
  for (const std::string& detail : details) EXPECT_EQ(detail.find("222222222222"), std::string::npos);
}

TEST_F(RegistryTest, RoleArnsAreNotUnique) {
  const auto a = make_connection(make_tenant("Acme"));
  const auto b = make_connection(make_tenant("Mallory"));
  EXPECT_TRUE(registry().set_role(actor(), a.id, acme_role));
  EXPECT_TRUE(registry().set_role(actor(), b.id, acme_role));
}

TEST_F(RegistryTest, VerificationsAreKeptApart) {
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

TEST_F(RegistryTest, ATenantHasItsVerificationsPerHour) {
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

TEST_F(RegistryTest, VerificationNeedsARole) {
  const auto connection = make_connection(make_tenant("Acme"));
  EXPECT_EQ(registry().request_verification(actor(), connection.id).error().kind, ErrorKind::conflict);
}

TEST_F(RegistryTest, DriftSuspendsAndRepairReactivates) {
  const auto connection = active_connection(make_tenant("Acme"));
  clock().advance(24h);
  EXPECT_EQ(registry().finish_verification(only_task(), failed()).value().state, ConnectionState::suspended);
  clock().advance(24h);
  EXPECT_EQ(registry().finish_verification(only_task(), passed()).value().state, ConnectionState::active);
  EXPECT_EQ(registry().connection(connection.id).value().state, ConnectionState::active);
}

TEST_F(RegistryTest, RefusesReasonsForUnknownStatements) {
  auto spec = integration_spec();
  spec.reasons["Other"] = "why";
  EXPECT_EQ(registry().put_integration(actor(), spec).error().field, "reasons");
}

TEST_F(RegistryTest, KeysExpireAndAreRevoked) {
  const NewKey wanted{.role = KeyRole::auditor, .workload = {}, .connection_id = {}, .expires_in = 60s};
  const auto made = registry().create_key(actor(), wanted, std::nullopt).value().value;
  EXPECT_TRUE(made.secret->reveal().starts_with("dpk_auditor_"));
  EXPECT_EQ(registry().authenticate(*made.secret).value()->id, made.key.id);
  EXPECT_EQ(registry().authenticate(SecretString{"dpk_auditor_wrong"}).error().kind, ErrorKind::unauthorized);
  clock().advance(60s);
  EXPECT_EQ(registry().authenticate(*made.secret).error().kind, ErrorKind::unauthorized);

  const auto lasting =
      registry()
          .create_key(actor(),
                      {.role = KeyRole::auditor, .workload = {}, .connection_id = {}, .expires_in = {}},
                      std::nullopt)
          .value()
          .value;
  EXPECT_TRUE(registry().authenticate(*lasting.secret));
  ASSERT_TRUE(registry().revoke_key(actor(), lasting.key.id));
  EXPECT_EQ(registry().authenticate(*lasting.secret).error().kind, ErrorKind::unauthorized);
}

// A workload that makes keys without end has 1,000 that are good, and what expired is removed.
TEST_F(RegistryTest, KeysThatAKeyMadeAreBoundedAndForgotten) {
  const auto connection = make_connection(make_tenant("Acme"));
  const auto name = WorkloadName::parse("collector").value();
  ASSERT_TRUE(registry().put_workload(actor(), {.name = name, .grants = {}}));
  const auto make = [&](std::optional<KeyId> maker, std::optional<ConnectionId> narrowed) {
    return registry().create_key(actor(),
                                 {.role = KeyRole::workload,
                                  .workload = name,
                                  .connection_id = std::move(narrowed),
                                  .expires_in = std::nullopt,
                                  .made_with = std::move(maker)},
                                 std::nullopt);
  };
  const auto parent = make(std::nullopt, std::nullopt).value().value.key;
  const auto other = make(std::nullopt, std::nullopt).value().value.key;
  const auto first = make(parent.id, connection.id).value().value.key;
  clock().advance(1min);
  for (int i = 1; i < 1'000; ++i) ASSERT_TRUE(make(parent.id, connection.id)) << i;
  const auto refused = make(parent.id, connection.id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::rate_limited);
  EXPECT_EQ(refused.error().retry_after, std::chrono::minutes{59});
  EXPECT_TRUE(make(other.id, connection.id)) << "another key's are its own";
  ASSERT_TRUE(registry().revoke_key(actor(), first.id));
  EXPECT_TRUE(make(parent.id, connection.id)) << "one was revoked";
  EXPECT_FALSE(make(parent.id, connection.id));

  clock().advance(1h + 5min);
  ASSERT_TRUE(make(parent.id, connection.id));
  EXPECT_TRUE(registry().key(first.id)) << "expired just now";
  clock().advance(10min);
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(make(parent.id, connection.id));
  EXPECT_EQ(registry().key(first.id).error().kind, ErrorKind::not_found);
  std::size_t kept = 0;
  PageRequest page{.limit = 200, .after = {}};
  for (bool more = true; more;) {
    const auto keys = registry().keys(page).value();
    kept += keys.items.size();
    more = keys.next_cursor.has_value();
    if (more) page.after = *keys.next_cursor;
  }
  EXPECT_EQ(kept, 2U + 61U) << "the two that do not expire, and what is good";
  EXPECT_TRUE(store().check_integrity(std::nullopt));
}

TEST_F(RegistryTest, AReplayedKeyThatIsGoneIsSaidToBe) {
  const auto connection = make_connection(make_tenant("Acme"));
  const auto name = WorkloadName::parse("collector").value();
  ASSERT_TRUE(registry().put_workload(actor(), {.name = name, .grants = {}}));
  const NewKey wanted{
      .role = KeyRole::workload, .workload = name, .connection_id = connection.id, .expires_in = 1s};
  const Idempotency once{"key_x POST /v1/keys", "k1", "fingerprint"};
  ASSERT_TRUE(registry().create_key(actor(), wanted, once));
  clock().advance(1h);
  ASSERT_TRUE(registry().create_key(actor(), wanted, std::nullopt));
  EXPECT_EQ(registry().create_key(actor(), wanted, once).error().kind, ErrorKind::idempotency_conflict);
}

TEST_F(RegistryTest, AnIssuanceIsRecordedOnlyWhileItsViewHolds) {
  const auto connection = active_connection(make_tenant("Acme"));
  const auto view = registry().issuing_view(connection.id, std::nullopt).value();
  const auto record = [&] {
    return registry().record_issuance(Actor::command("test"), make_issuance(connection), view);
  };
  EXPECT_TRUE(record());
  EXPECT_EQ(journal_entries("credentials.issued"), 1U);

  clock().advance(registry().settings().verification_max_age + 1s);
  EXPECT_EQ(record().error().kind, ErrorKind::verification_expired);
  ASSERT_TRUE(registry().set_role(actor(), connection.id, acme_role));
  EXPECT_EQ(record().error().kind, ErrorKind::connection_not_active);
  ASSERT_TRUE(registry().finish_verification(only_task(), passed()));
  EXPECT_EQ(record().error().kind, ErrorKind::conflict);  // active again, but under another binding
  ASSERT_TRUE(registry().disconnect(actor(), connection.id));
  EXPECT_EQ(record().error().kind, ErrorKind::connection_disconnected);
  EXPECT_EQ(journal_entries("credentials.issued"), 1U);
}

TEST_F(RegistryTest, WhatWasVerifiedForAnotherPartnerPrincipalIssuesNothing) {
  const auto connection = active_connection(make_tenant("Acme"));
  Settings settings = registry().settings();
  settings.partner_principal = RoleArn::parse("arn:aws:iam::111111111111:role/another").value();
  Registry restarted{store(), clock(), random(), settings};
  const auto record = [&] {
    const auto view = restarted.issuing_view(connection.id, std::nullopt).value();
    return restarted.record_issuance(Actor::command("test"), make_issuance(connection), view);
  };
  EXPECT_EQ(record().error().kind, ErrorKind::verification_expired);
  const auto verify = [&](VerificationReport report) {
    clock().advance(settings.verification_min_interval);
    EXPECT_TRUE(restarted.request_verification(actor(), connection.id));
    auto tasks = restarted.claim_due(10, 10min).value();
    ASSERT_EQ(tasks.size(), 1U);
    EXPECT_EQ(tasks.front().binding.partner_principal, settings.partner_principal);
    EXPECT_TRUE(restarted.finish_verification(tasks.front(), std::move(report)));
  };
  verify({.checks = {}, .account_id = {}, .retry_at = {}});  // inconclusive
  EXPECT_EQ(record().error().kind, ErrorKind::verification_expired);
  verify(passed());
  EXPECT_TRUE(record());
}

// Still active, but under another external ID or role than the session was made with.
TEST_F(RegistryTest, NothingIsRecordedForAnOlderBinding) {
  const auto connection = active_connection(make_tenant("Acme"));
  const auto view = registry().issuing_view(connection.id, std::nullopt).value();
  const auto record = [&](const IssuingView& decided_on) {
    return registry().record_issuance(Actor::command("test"), make_issuance(connection), decided_on);
  };
  EXPECT_TRUE(record(view));
  ASSERT_TRUE(store().write([&](Transaction& tx) -> Result<void> {
    DEPUTY_TRY(auto stored, tx.find_connection(connection.id));
    ++stored->binding_version;
    return tx.update(*stored);
  }));
  const auto refused = record(view);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(record(registry().issuing_view(connection.id, std::nullopt).value()));
}

TEST_F(RegistryTest, GrantsThatWereChangedAreDecidedOnAgain) {
  const auto connection = active_connection(make_tenant("Acme"));
  const auto name = WorkloadName::parse("log-loader").value();
  const Grant wide{.integration = {}, .tenants = {}, .may = {}, .session_policy = {}};
  ASSERT_TRUE(registry().put_workload(actor(), {name, {wide}}));
  const auto view = registry().issuing_view(connection.id, name).value();
  Grant narrow = wide;
  narrow.session_policy =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]})";
  ASSERT_TRUE(registry().put_workload(actor(), {name, {narrow}}));
  EXPECT_EQ(registry().record_issuance(Actor::command("test"), make_issuance(connection), view).error().kind,
            ErrorKind::conflict);
}

TEST_F(RegistryTest, ForgetsIdempotencyKeysAfterADay) {
  const NewTenant acme{"Acme", std::nullopt};
  const Idempotency once{"key_x POST /v1/tenants", "k1", "fingerprint"};
  ASSERT_TRUE(registry().create_tenant(actor(), acme, once));
  clock().advance(25h);
  ASSERT_TRUE(registry().create_tenant(actor(), acme, Idempotency{once.scope, "k2", once.fingerprint}));
  const auto kept = store().read([&](Transaction& tx) -> Result<void> {
    DEPUTY_TRY(const auto record, tx.find_idempotency(once.scope, once.key));
    EXPECT_FALSE(record);
    return success();
  });
  EXPECT_TRUE(kept);
}

TEST_F(RegistryTest, ARemovedGrantStopsTheRecording) {
  const auto connection = active_connection(make_tenant("Acme"));
  const auto name = WorkloadName::parse("log-loader").value();
  ASSERT_TRUE(registry().put_workload(
      actor(), {name, {Grant{.integration = {}, .tenants = {}, .may = {}, .session_policy = {}}}}));
  const auto view = registry().issuing_view(connection.id, name).value();
  EXPECT_TRUE(registry().record_issuance(Actor::command("test"), make_issuance(connection), view));
  ASSERT_TRUE(registry().put_workload(actor(), {name, {}}));
  EXPECT_EQ(registry().record_issuance(Actor::command("test"), make_issuance(connection), view).error().kind,
            ErrorKind::not_found);
}

}  // namespace
}  // namespace deputy::registry
