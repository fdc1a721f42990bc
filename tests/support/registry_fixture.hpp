#pragma once

#include "support/fake_clock.hpp"
#include "support/temporary_folder.hpp"

#include <filesystem>
#include <gtest/gtest.h>
#include <memory>

#include "registry/external_id.hpp"
#include "registry/registry.hpp"
#include "storage/sqlite_store.hpp"

namespace deputy {

// A registry over a fresh SQLite database, with a clock that stands still and the partner in account
// 111111111111.
class RegistryFixture : public testing::Test {
 protected:
  RegistryFixture() {
    const auto key = storage::MasterKey::draw(random_);
    store_ = storage::open_sqlite({.file = database_file(), .create = true}, key).value();
    registry::Settings settings{
        .partner_principal = RoleArn::parse("arn:aws:iam::111111111111:role/deputy-broker").value(),
        .partner_accounts = {}};
    settings.return_urls = {registry::ReturnUrl::parse("https://app.example/aws").value()};
    settings.webhook_events_kept = std::chrono::days{3};
    settings.on_webhook_event = [this] { ++webhook_announcements_; };
    registry_ = std::make_unique<registry::Registry>(*store_, clock_, random_, settings);
    EXPECT_TRUE(registry_->put_integration(actor(), integration_spec()));
  }

  registry::Registry& registry() { return *registry_; }
  registry::Store& store() { return *store_; }
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path database_file() const { return folder_.path() / "deputy.db"; }
  FakeClock& clock() { return clock_; }
  Random& random() { return random_; }
  static registry::Actor actor() { return {"command", "test", ""}; }
  static IntegrationName integration_name() { return IntegrationName::parse("log-reader").value(); }

  static registry::IntegrationSpec integration_spec() {
    return {.name = integration_name(),
            .description = "Reads your CloudWatch Logs",
            .policy = R"({"Version":"2012-10-17","Statement":[{"Sid":"ReadLogs","Effect":"Allow",)"
                      R"("Action":["logs:FilterLogEvents","logs:DescribeLogGroups"],"Resource":"*"}]})",
            .reasons = {{"ReadLogs", "to show your logs"}},
            .role_name = std::nullopt,
            .logs = std::nullopt,
            .accept_risk = std::nullopt};
  }
  registry::Tenant make_tenant(const std::string& name) {
    return registry_->create_tenant(actor(), {name, std::nullopt}, std::nullopt).value().value;
  }
  registry::Connection make_connection(const registry::Tenant& tenant) {
    return registry_->create_connection(actor(), {tenant.id, integration_name(), std::nullopt}, std::nullopt)
        .value()
        .value;
  }
  // A tenant of its own with an active, verified connection to a role in the account, written straight into
  // the store: thousands take no time.
  Result<registry::Connection> insert_active(registry::Transaction& tx, const std::string& account) {
    const registry::Tenant tenant{
        .id = TenantId::draw(random()), .name = "T", .reference = std::nullopt, .created_at = clock().now()};
    DEPUTY_TRY(tx.insert(tenant));
    registry::Connection connection{
        .id = ConnectionId::draw(random()),
        .tenant_id = tenant.id,
        .integration = integration_name(),
        .account_id = AccountId::parse(account).value(),
        .external_id = registry::issue_external_id(random()),
        .rotation = std::nullopt,
        .role_arn = RoleArn::parse("arn:aws:iam::" + account + ":role/reader").value(),
        .state = registry::ConnectionState::active,
        .proof = registry::Proof::probed,
        .verified_at = clock().now(),
        .last_verification = std::nullopt,
        .next_verification_at = std::nullopt,
        .created_at = clock().now(),
        .updated_at = clock().now()};
    const registry::Verification verification{.id = VerificationId::draw(random()),
                                              .connection_id = connection.id,
                                              .role_arn = *connection.role_arn,
                                              .partner_principal = registry().settings().partner_principal,
                                              .done = true,
                                              .outcome = registry::VerificationOutcome::passed,
                                              .proof = registry::Proof::probed,
                                              .started_at = clock().now(),
                                              .finished_at = clock().now(),
                                              .checks = {}};
    connection.last_verification = {verification.id, registry::VerificationOutcome::passed, clock().now()};
    DEPUTY_TRY(tx.claim_external_id(connection.external_id, connection.id));
    DEPUTY_TRY(tx.insert(connection));
    DEPUTY_TRY(tx.insert(verification));
    return connection;
  }
  registry::Issuance make_issuance(const registry::Connection& connection) {
    return {.id = IssuanceId::draw(random_),
            .connection_id = connection.id,
            .tenant_id = connection.tenant_id,
            .workload = "log-loader",
            .reason = std::nullopt,
            .session_name = "session",
            .access_key_id = "ASIAEXAMPLE",
            .issued_at = clock_.now(),
            .expires_at = clock_.now() + std::chrono::hours{1}};
  }

  int webhook_announcements_ = 0;

 private:
  TemporaryFolder folder_;
  FakeClock clock_;
  SystemRandom random_;
  std::unique_ptr<registry::Store> store_;
  std::unique_ptr<registry::Registry> registry_;
};

}  // namespace deputy
