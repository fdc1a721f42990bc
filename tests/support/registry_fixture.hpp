#pragma once

#include "support/fake_clock.hpp"
#include "support/temporary_folder.hpp"

#include <filesystem>
#include <gtest/gtest.h>
#include <memory>

#include "registry/registry.hpp"
#include "storage/sqlite_store.hpp"

namespace deputy {

// A registry over a fresh SQLite database, with a clock that stands still and the partner in account
// 111111111111.
class RegistryFixture : public testing::Test {
 protected:
  RegistryFixture() {
    const auto key = storage::MasterKey::draw(random_);
    store_ = storage::open_sqlite({.file = folder_.path() / "deputy.db", .create = true}, key).value();
    registry::Settings settings{
        .partner_principal = RoleArn::parse("arn:aws:iam::111111111111:role/deputy-broker").value(),
        .partner_accounts = {}};
    registry_ = std::make_unique<registry::Registry>(*store_, clock_, random_, settings);
    EXPECT_TRUE(registry_->put_integration(actor(), integration_spec()));
  }

  registry::Registry& registry() { return *registry_; }
  registry::Store& store() { return *store_; }
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

 private:
  TemporaryFolder folder_;
  FakeClock clock_;
  SystemRandom random_;
  std::unique_ptr<registry::Store> store_;
  std::unique_ptr<registry::Registry> registry_;
};

}  // namespace deputy
