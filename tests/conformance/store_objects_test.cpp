#include "conformance/store_suite.hpp"

#include <algorithm>
#include <functional>

namespace deputy::conformance {
namespace {

// Tenants, integrations, workloads, keys, issuances, idempotency, and what was requested.
class StoreObjects : public StoreTest {};

TEST_P(StoreObjects, KeepsATenant) {
  const auto found = read([&](Transaction& t) { return t.find_tenant(tenant_.id); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, tenant_.id);
  EXPECT_EQ(found->name, tenant_.name);
  EXPECT_EQ(found->reference, tenant_.reference);
  EXPECT_EQ(found->created_at, tenant_.created_at);
  const auto by_reference =
      read([&](Transaction& t) { return t.find_tenant_by_reference(*tenant_.reference); });
  ASSERT_TRUE(by_reference);
  EXPECT_EQ(by_reference->id, tenant_.id);
  EXPECT_FALSE(read([&](Transaction& t) { return t.find_tenant(samples::tenant().id); }));
  EXPECT_FALSE(read([&](Transaction& t) { return t.find_tenant_by_reference("REF-none"); }));
  // Any bytes that people give come back as they were.
  Tenant odd = samples::tenant(1);
  odd.name = "'; DROP TABLE tenants; -- \xf0\x9f\x92\xa5";
  odd.reference = std::nullopt;
  write([&](Transaction& t) { return t.insert(odd); });
  EXPECT_EQ(read([&](Transaction& t) { return t.find_tenant(odd.id); })->name, odd.name);
  EXPECT_FALSE(read([&](Transaction& t) { return t.find_tenant(odd.id); })->reference);
}

TEST_P(StoreObjects, GivesAReferenceOnce) {
  Tenant other = samples::tenant();
  other.reference = tenant_.reference;
  const auto result = store().write([&](Transaction& t) { return t.insert(other); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::conflict);
  EXPECT_EQ(result.error().field, "reference");
  Tenant same = samples::tenant();
  same.id = tenant_.id;
  EXPECT_EQ(refused([&](Transaction& t) { return t.insert(same); }), ErrorKind::conflict);
  // Any number may have none.
  for (int i = 0; i < 2; ++i) {
    Tenant without = samples::tenant();
    without.reference.reset();
    EXPECT_EQ(refused([&](Transaction& t) { return t.insert(without); }), std::nullopt);
  }
}

TEST_P(StoreObjects, ListsTenantsNewestFirstWhileMoreCome) {
  std::vector<TenantId> expected{tenant_.id};
  for (int i = 1; i <= 7; ++i) {
    Tenant tenant = samples::tenant(i / 2);  // some of the same moment
    expected.push_back(tenant.id);
    write([&](Transaction& t) { return t.insert(tenant); });
  }
  std::vector<TenantId> seen;
  const auto items = all_pages(
      [&](const PageRequest& page) {
        auto result = read([&](Transaction& t) { return t.list_tenants(page); });
        write([&](Transaction& t) {
          return t.insert(samples::tenant(100));
        });  // newer: before all pages to come
        return result;
      },
      3);
  for (std::size_t i = 1; i < items.size(); ++i) EXPECT_GE(items[i - 1].created_at, items[i].created_at);
  for (const Tenant& tenant : items) seen.push_back(tenant.id);
  std::ranges::sort(seen);
  std::ranges::sort(expected);
  EXPECT_EQ(seen, expected);
}

TEST_P(StoreObjects, RefusesWrongPages) {
  for (const std::string& cursor :
       std::vector<std::string>{"x", "%", "bm9wZQ", std::string(5'000, 'A'), "MTcgY29uX2E"}) {
    for (const auto& list : std::vector<std::function<Result<void>(Transaction&, const PageRequest&)>>{
             [](Transaction& t, const PageRequest& p) -> Result<void> {
               DEPUTY_TRY(t.list_tenants(p));
               return success();
             },
             [](Transaction& t, const PageRequest& p) -> Result<void> {
               DEPUTY_TRY(t.list_connections({}, p));
               return success();
             },
             [](Transaction& t, const PageRequest& p) -> Result<void> {
               DEPUTY_TRY(t.list_keys(p));
               return success();
             },
             [](Transaction& t, const PageRequest& p) -> Result<void> {
               DEPUTY_TRY(t.list_journal(p));
               return success();
             }}) {
      const auto result =
          store().read([&](Transaction& t) { return list(t, {.limit = 5, .after = cursor}); });
      ASSERT_FALSE(result) << cursor;
      EXPECT_EQ(result.error().kind, ErrorKind::invalid_request);
      EXPECT_EQ(result.error().field, "cursor");
    }
  }
  for (const std::size_t limit : {std::size_t{0}, std::size_t{201}, std::size_t(-1)}) {
    const auto result = store().read([&](Transaction& t) -> Result<void> {
      DEPUTY_TRY(t.list_tenants({.limit = limit, .after = ""}));
      return success();
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::invalid_request);
    EXPECT_EQ(result.error().field, "limit");
  }
}

// A cursor of one list leads nowhere in another.
TEST_P(StoreObjects, RefusesTheCursorOfAnotherList) {
  write([&](Transaction& t) { return t.insert(samples::tenant(5)); });
  const auto page = read([&](Transaction& t) { return t.list_tenants({.limit = 1, .after = ""}); });
  ASSERT_TRUE(page.next_cursor);
  EXPECT_FALSE(store().read([&](Transaction& t) -> Result<void> {
    DEPUTY_TRY(t.list_connections({}, {.limit = 1, .after = *page.next_cursor}));
    return success();
  }));
}

TEST_P(StoreObjects, KeepsEveryVersionOfAnIntegration) {
  const auto integration = samples::integration("log-reader", 2);
  write([&](Transaction& t) { return t.insert(integration); });
  Integration plain = samples::integration("billing", 1);
  plain.reasons.clear();
  plain.role_name.reset();
  plain.logs.reset();
  plain.accept_risk.reset();
  plain.require_proof = false;
  plain.trust_form = TrustForm::role;
  write([&](Transaction& t) { return t.insert(plain); });
  EXPECT_EQ(refused([&](Transaction& t) { return t.insert(integration); }), ErrorKind::conflict);

  const auto find = [&](std::string_view name, std::optional<int> version) {
    return read([&](Transaction& t) { return t.find_integration(samples::integration_name(name), version); });
  };
  EXPECT_EQ(find("log-reader", std::nullopt)->version, 2);
  EXPECT_EQ(find("log-reader", 1)->description, "reads logs, version 1");
  EXPECT_FALSE(find("log-reader", 3));
  EXPECT_FALSE(find("none", std::nullopt));

  const auto found = find("log-reader", 2);
  EXPECT_EQ(found->policy, integration.policy);
  EXPECT_EQ(found->reasons, integration.reasons);
  EXPECT_EQ(found->role_name, integration.role_name);
  EXPECT_EQ(found->trust_form, integration.trust_form);
  EXPECT_TRUE(found->require_proof);
  ASSERT_TRUE(found->logs);
  EXPECT_EQ(found->logs->regions, integration.logs->regions);
  EXPECT_EQ(found->logs->groups, integration.logs->groups);
  EXPECT_EQ(found->accept_risk, integration.accept_risk);
  EXPECT_EQ(found->created_at, integration.created_at);
  const auto found_plain = find("billing", std::nullopt);
  EXPECT_TRUE(found_plain->reasons.empty());
  EXPECT_FALSE(found_plain->role_name);
  EXPECT_FALSE(found_plain->logs);
  EXPECT_FALSE(found_plain->accept_risk);
  EXPECT_FALSE(found_plain->require_proof);
  EXPECT_EQ(found_plain->trust_form, TrustForm::role);

  const auto all = all_pages(
      [&](const PageRequest& page) {
        return read([&](Transaction& t) { return t.list_integrations(page); });
      },
      1);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name.text(), "billing");
  EXPECT_EQ(all[1].name.text(), "log-reader");
  EXPECT_EQ(all[1].version, 2);
}

TEST_P(StoreObjects, PutsAWorkload) {
  const auto name = WorkloadName::parse("collector").value();
  EXPECT_FALSE(read([&](Transaction& t) { return t.find_workload(name); }));
  Workload workload = samples::workload("collector", tenant_.id);
  write([&](Transaction& t) { return t.put(workload); });
  auto found = read([&](Transaction& t) { return t.find_workload(name); });
  ASSERT_TRUE(found);
  ASSERT_EQ(found->grants.size(), 3U);
  EXPECT_FALSE(found->grants[0].integration);  // all integrations
  EXPECT_FALSE(found->grants[0].tenants);      // all tenants
  EXPECT_TRUE(found->grants[0].may.empty());
  EXPECT_FALSE(found->grants[0].session_policy);
  EXPECT_EQ(found->grants[1].integration, workload.grants[1].integration);
  EXPECT_EQ(found->grants[1].tenants, workload.grants[1].tenants);
  EXPECT_EQ(found->grants[1].may, workload.grants[1].may);
  EXPECT_EQ(found->grants[1].session_policy, workload.grants[1].session_policy);
  ASSERT_TRUE(found->grants[2].tenants);  // none: not the same
  EXPECT_TRUE(found->grants[2].tenants->empty());
  workload.grants.clear();
  write([&](Transaction& t) { return t.put(workload); });
  EXPECT_TRUE(read([&](Transaction& t) { return t.find_workload(name); })->grants.empty());
  write([&](Transaction& t) { return t.put(samples::workload("archiver", tenant_.id)); });
  const auto all = all_pages(
      [&](const PageRequest& page) { return read([&](Transaction& t) { return t.list_workloads(page); }); },
      1);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name.text(), "archiver");
}

TEST_P(StoreObjects, FindsAKeyByItsSecretAlone) {
  const SecretString secret{"dpk_admin_0123456789"};
  Key key = samples::key();
  write([&](Transaction& t) { return t.insert(key, secret); });
  const auto by_secret = [&](const SecretString& given) {
    return read([&](Transaction& t) { return t.find_key_by_secret(given); });
  };
  ASSERT_TRUE(by_secret(secret));
  EXPECT_EQ(by_secret(secret)->id, key.id);
  EXPECT_FALSE(by_secret(SecretString{"dpk_admin_012345678"}));
  EXPECT_FALSE(by_secret(SecretString{"DPK_admin_0123456789"}));
  EXPECT_FALSE(by_secret(SecretString{}));
  EXPECT_EQ(refused([&](Transaction& t) { return t.insert(samples::key(), secret); }), ErrorKind::conflict);

  key.revoked_at = samples::at(30);
  key.last_used_at = samples::at(20);
  write([&](Transaction& t) { return t.update(key); });
  const auto found = by_secret(secret);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->revoked_at, key.revoked_at);
  EXPECT_EQ(found->last_used_at, key.last_used_at);
  EXPECT_EQ(found->expires_at, key.expires_at);
  EXPECT_EQ(found->role, KeyRole::admin);
  EXPECT_FALSE(found->workload);
  EXPECT_EQ(refused([&](Transaction& t) { return t.update(samples::key()); }), ErrorKind::internal);
}

TEST_P(StoreObjects, KeepsWhatAKeyIsBoundTo) {
  const Connection connection = samples::connection(tenant_.id);
  add(connection);
  Key key = samples::key(KeyRole::workload, 1);
  key.workload = WorkloadName::parse("collector").value();
  key.connection_id = connection.id;
  key.expires_at.reset();
  write([&](Transaction& t) { return t.insert(key, SecretString{"one"}); });
  write([&](Transaction& t) { return t.insert(samples::key(KeyRole::auditor, 2), SecretString{"two"}); });
  const auto found = read([&](Transaction& t) { return t.find_key(key.id); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->workload, key.workload);
  EXPECT_EQ(found->connection_id, key.connection_id);
  EXPECT_FALSE(found->expires_at);
  EXPECT_FALSE(read([&](Transaction& t) { return t.find_key(samples::key().id); }));
  const auto all = all_pages(
      [&](const PageRequest& page) { return read([&](Transaction& t) { return t.list_keys(page); }); }, 1);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].id, key.id);
}

TEST_P(StoreObjects, ListsIssuancesOfOneConnectionNewestFirst) {
  const Connection one = samples::connection(tenant_.id);
  const Connection other = samples::connection(tenant_.id);
  add(one);
  add(other);
  std::vector<IssuanceId> expected;
  for (int i = 0; i < 5; ++i) {
    Issuance issuance = samples::issuance(one, i);
    if (i == 0) issuance.reason.reset();
    expected.insert(expected.begin(), issuance.id);
    write([&](Transaction& t) { return t.insert(issuance); });
    write([&](Transaction& t) { return t.insert(samples::issuance(other, i)); });
  }
  const auto all = all_pages(
      [&](const PageRequest& page) {
        return read([&](Transaction& t) { return t.list_issuances(one.id, page); });
      },
      2);
  ASSERT_EQ(all.size(), 5U);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].id, expected[i]);
  EXPECT_EQ(all[0].workload, "collector");
  EXPECT_EQ(all[0].reason, "ticket 7");
  EXPECT_FALSE(all[4].reason);
  EXPECT_EQ(all[0].session_name, "deputy-x");
  EXPECT_EQ(all[0].access_key_id, "ASIAEXAMPLE");
  EXPECT_EQ(all[0].source, IssuanceSource::cache);
  EXPECT_EQ(all[0].tenant_id, tenant_.id);
  EXPECT_EQ(all[0].issued_at, samples::at(4));
  EXPECT_EQ(all[0].expires_at, samples::at(3604));
}

TEST_P(StoreObjects, RemembersARequestUntilItIsForgotten) {
  const Idempotency once{"key_a POST /v1/tenants", "abc", "fingerprint"};
  const auto find = [&](const std::string& scope, const std::string& key) {
    return read([&](Transaction& t) { return t.find_idempotency(scope, key); });
  };
  EXPECT_FALSE(find(once.scope, once.key));
  write([&](Transaction& t) { return t.insert_idempotency(once, "ten_x", samples::at(10)); });
  ASSERT_TRUE(find(once.scope, once.key));
  EXPECT_EQ(find(once.scope, once.key)->fingerprint, "fingerprint");
  EXPECT_EQ(find(once.scope, once.key)->object_id, "ten_x");
  EXPECT_FALSE(find("key_b POST /v1/tenants", once.key));
  EXPECT_FALSE(find(once.scope + "a", "bc"));
  EXPECT_EQ(refused([&](Transaction& t) { return t.insert_idempotency(once, "ten_y", samples::at(11)); }),
            ErrorKind::conflict);
  write([&](Transaction& t) { return t.forget_idempotency_before(samples::at(10)); });
  EXPECT_TRUE(find(once.scope, once.key));
  write([&](Transaction& t) { return t.forget_idempotency_before(samples::at(11)); });
  EXPECT_FALSE(find(once.scope, once.key));
  EXPECT_TRUE(store().check_integrity({}));
}

TEST_P(StoreObjects, CountsWhatWasRequested) {
  const Tenant other = samples::tenant(1);
  write([&](Transaction& t) { return t.insert(other); });
  for (int i = 0; i < 4; ++i)
    write([&](Transaction& t) { return t.note_requested(tenant_.id, "verification", samples::at(i * 10)); });
  write([&](Transaction& t) { return t.note_requested(other.id, "verification", samples::at(30)); });
  write([&](Transaction& t) { return t.note_requested(tenant_.id, "rotation", samples::at(30)); });
  const auto count = [&](const TenantId& id, std::string_view what, int since) {
    return read([&](Transaction& t) { return t.count_requested(id, what, samples::at(since)); });
  };
  EXPECT_EQ(count(tenant_.id, "verification", 0), 4U);
  EXPECT_EQ(count(tenant_.id, "verification", 10), 3U);
  EXPECT_EQ(count(tenant_.id, "verification", 31), 0U);
  EXPECT_EQ(count(tenant_.id, "rotation", 0), 1U);
  EXPECT_EQ(count(other.id, "rotation", 0), 0U);
  // What nobody counts any more is let go.
  write(
      [&](Transaction& t) { return t.note_requested(tenant_.id, "verification", samples::at(86'400 * 30)); });
  EXPECT_EQ(count(tenant_.id, "verification", 0), 1U);
  EXPECT_TRUE(store().check_integrity({}));
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreObjects, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace deputy::conformance
