#include "registry/registry.hpp"

#include <gtest/gtest.h>

#include "registry/registry_test_support.hpp"

namespace deputy::registry {
namespace {

using namespace std::chrono_literals;

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
