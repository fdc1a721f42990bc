#include "conformance/store_suite.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace deputy::conformance {
namespace {

// Connections, their external IDs and verifications, and transactions as such.
class StoreConnections : public StoreTest {
 protected:
  std::optional<Connection> find(const ConnectionId& id) {
    return read([&](Transaction& t) { return t.find_connection(id); });
  }
  std::vector<ConnectionId> list(const ConnectionFilter& filter, std::size_t limit = 2) {
    std::vector<ConnectionId> ids;
    for (const Connection& each : all_pages(
             [&](const PageRequest& page) {
               return read([&](Transaction& t) { return t.list_connections(filter, page); });
             },
             limit))
      ids.push_back(each.id);
    return ids;
  }
};

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
  return text;
}

void expect_same(const Connection& a, const Connection& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.tenant_id, b.tenant_id);
  EXPECT_EQ(a.integration, b.integration);
  EXPECT_EQ(a.integration_version, b.integration_version);
  EXPECT_EQ(a.account_id, b.account_id);
  EXPECT_EQ(a.external_id, b.external_id);
  ASSERT_EQ(a.rotation.has_value(), b.rotation.has_value());
  if (a.rotation) {
    EXPECT_EQ(a.rotation->state, b.rotation->state);
    EXPECT_EQ(a.rotation->next_external_id, b.rotation->next_external_id);
    EXPECT_EQ(a.rotation->previous_external_id, b.rotation->previous_external_id);
    EXPECT_EQ(a.rotation->verified_at, b.rotation->verified_at);
    EXPECT_EQ(a.rotation->retire_by, b.rotation->retire_by);
  }
  EXPECT_EQ(a.role_arn, b.role_arn);
  EXPECT_EQ(a.account_claimed_at, b.account_claimed_at);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.proof, b.proof);
  EXPECT_EQ(a.binding_version, b.binding_version);
  EXPECT_EQ(a.verified_at, b.verified_at);
  ASSERT_EQ(a.last_verification.has_value(), b.last_verification.has_value());
  if (a.last_verification) {
    EXPECT_EQ(a.last_verification->id, b.last_verification->id);
    EXPECT_EQ(a.last_verification->outcome, b.last_verification->outcome);
    EXPECT_EQ(a.last_verification->finished_at, b.last_verification->finished_at);
  }
  EXPECT_EQ(a.next_verification_at, b.next_verification_at);
  EXPECT_EQ(a.created_at, b.created_at);
  EXPECT_EQ(a.updated_at, b.updated_at);
}

TEST_P(StoreConnections, KeepsAConnection) {
  for (const Connection& connection :
       {samples::connection(tenant_.id), samples::full_connection(tenant_.id)}) {
    add(connection);
    const auto found = find(connection.id);
    ASSERT_TRUE(found);
    expect_same(*found, connection);
    EXPECT_EQ(found->revision, 1);
  }
  EXPECT_FALSE(find(samples::connection(tenant_.id).id));
}

TEST_P(StoreConnections, UpdatesEveryPartAndCountsRevisions) {
  Connection connection = samples::connection(tenant_.id);
  add(connection);
  Connection changed = samples::full_connection(tenant_.id);
  changed.id = connection.id;
  changed.created_at = connection.created_at;
  changed.rotation->previous_external_id = connection.external_id;
  write([&](Transaction& t) -> Result<void> {
    DEPUTY_TRY(t.claim_external_id(changed.external_id, changed.id));
    DEPUTY_TRY(t.claim_external_id(*changed.rotation->next_external_id, changed.id));
    return t.update(changed);
  });
  auto found = find(connection.id);
  expect_same(*found, changed);
  EXPECT_EQ(found->revision, 2);
  // Back to nothing optional.
  connection.revision = 2;
  write([&](Transaction& t) { return t.update(connection); });
  found = find(connection.id);
  expect_same(*found, connection);
  EXPECT_EQ(found->revision, 3);
}

TEST_P(StoreConnections, RefusesAnUpdateOfWhatChangedMeanwhile) {
  Connection connection = samples::connection(tenant_.id);
  add(connection);
  write([&](Transaction& t) { return t.update(connection); });
  connection.state = ConnectionState::disconnected;
  EXPECT_EQ(refused([&](Transaction& t) { return t.update(connection); }), ErrorKind::conflict);
  connection.revision = 3;
  EXPECT_EQ(refused([&](Transaction& t) { return t.update(connection); }), ErrorKind::conflict);
  EXPECT_EQ(find(connection.id)->state, ConnectionState::awaiting_role);
  connection.revision = 2;
  EXPECT_EQ(refused([&](Transaction& t) { return t.update(connection); }), std::nullopt);
}

TEST_P(StoreConnections, StaysWithItsTenant) {
  const Tenant other = samples::tenant(1);
  write([&](Transaction& t) { return t.insert(other); });
  Connection connection = samples::connection(tenant_.id);
  add(connection);
  connection.tenant_id = other.id;
  EXPECT_EQ(refused([&](Transaction& t) { return t.update(connection); }), ErrorKind::internal);
}

// Threats 5 and 6: an external ID is issued once, whatever became of it and however it is spelled.
TEST_P(StoreConnections, ClaimsAnExternalIdOnceForEver) {
  Connection connection = samples::connection(tenant_.id);
  add(connection);
  const Connection other = samples::connection(tenant_.id);
  const auto claim = [&](const std::string& text) {
    return refused(
        [&](Transaction& t) { return t.claim_external_id(ExternalId::parse(text).value(), other.id); });
  };
  EXPECT_EQ(claim(connection.external_id.text()), ErrorKind::conflict);
  EXPECT_EQ(claim(upper(connection.external_id.text())), ErrorKind::conflict);
  connection.state = ConnectionState::disconnected;
  write([&](Transaction& t) { return t.update(connection); });
  EXPECT_EQ(claim(connection.external_id.text()), ErrorKind::conflict);
  reopen();
  EXPECT_EQ(claim(upper(connection.external_id.text())), ErrorKind::conflict);
  // One that was claimed and never used stays claimed, in its upper case too.
  EXPECT_EQ(claim("TOMB-Stone-1"), std::nullopt);
  EXPECT_EQ(claim("tomb-stONE-1"), ErrorKind::conflict);
  EXPECT_EQ(claim("tomb-stone-2"), std::nullopt);
}

TEST_P(StoreConnections, TakesOnlyAnExternalIdThatWasClaimedForIt) {
  const Connection connection = samples::connection(tenant_.id);
  EXPECT_EQ(refused([&](Transaction& t) { return t.insert(connection); }), ErrorKind::internal);
  const Connection other = samples::connection(tenant_.id);
  EXPECT_EQ(refused([&](Transaction& t) -> Result<void> {
              DEPUTY_TRY(t.claim_external_id(connection.external_id, other.id));
              return t.insert(connection);
            }),
            ErrorKind::internal);
  EXPECT_FALSE(find(connection.id));
  // Nor by an update, nor through a rotation.
  add(connection);
  add(other);
  Connection stolen = connection;
  stolen.external_id = other.external_id;
  EXPECT_EQ(refused([&](Transaction& t) { return t.update(stolen); }), ErrorKind::internal);
  stolen = connection;
  stolen.rotation = Rotation{};
  stolen.rotation->next_external_id = other.external_id;
  EXPECT_EQ(refused([&](Transaction& t) { return t.update(stolen); }), ErrorKind::internal);
  stolen.rotation = Rotation{};
  stolen.rotation->previous_external_id = other.external_id;
  EXPECT_EQ(refused([&](Transaction& t) { return t.update(stolen); }), ErrorKind::internal);
}

TEST_P(StoreConnections, NeedsItsTenantAndIntegration) {
  EXPECT_TRUE(refused([&](Transaction& t) { return add(t, samples::connection(samples::tenant().id)); }));
  Connection connection = samples::connection(tenant_.id);
  connection.integration_version = 9;
  EXPECT_TRUE(refused([&](Transaction& t) { return add(t, connection); }));
  EXPECT_TRUE(refused([&](Transaction& t) { return t.insert(samples::verification(connection.id)); }));
  Key key = samples::key();
  key.connection_id = connection.id;
  EXPECT_TRUE(refused([&](Transaction& t) { return t.insert(key, SecretString{"s"}); }));
  EXPECT_TRUE(list({}).empty());
  EXPECT_TRUE(store().check_integrity({}));
}

TEST_P(StoreConnections, ListsByTenantAndState) {
  const Tenant other = samples::tenant(1);
  write([&](Transaction& t) { return t.insert(other); });
  std::vector<ConnectionId> all, of_tenant, active, active_of_tenant;
  for (int i = 0; i < 12; ++i) {
    const bool is_other = i % 3 == 0;
    const bool is_active = i % 2 == 0;
    const TenantId& owner = is_other ? other.id : tenant_.id;
    const Connection each = is_active ? samples::full_connection(owner, i) : samples::connection(owner, i);
    add(each);
    all.insert(all.begin(), each.id);
    if (!is_other) of_tenant.insert(of_tenant.begin(), each.id);
    if (is_active) active.insert(active.begin(), each.id);
    if (!is_other && is_active) active_of_tenant.insert(active_of_tenant.begin(), each.id);
  }
  for (const std::size_t limit : {1U, 2U, 5U, 200U}) {
    EXPECT_EQ(list({}, limit), all);
    EXPECT_EQ(list({.tenant_id = tenant_.id, .state = std::nullopt}, limit), of_tenant);
    EXPECT_EQ(list({.tenant_id = std::nullopt, .state = ConnectionState::active}, limit), active);
    EXPECT_EQ(list({.tenant_id = tenant_.id, .state = ConnectionState::active}, limit), active_of_tenant);
  }
  EXPECT_TRUE(list({.tenant_id = samples::tenant().id, .state = std::nullopt}).empty());
  EXPECT_TRUE(list({.tenant_id = tenant_.id, .state = ConnectionState::rejected}).empty());
}

TEST_P(StoreConnections, FindsATenantsOfOneIntegrationInSomeStates) {
  const Tenant other = samples::tenant(1);
  Integration another = samples::integration();
  another.name = IntegrationName::parse("another").value();
  write([&](Transaction& t) -> Result<void> {
    DEPUTY_TRY(t.insert(other));
    return t.insert(another);
  });
  std::vector<ConnectionId> wanted;  // newest first
  constexpr std::array states{ConnectionState::rejected, ConnectionState::awaiting_role};
  for (int i = 0; i < 24; ++i) {
    Connection each = samples::connection(i % 2 == 0 ? tenant_.id : other.id, i / 8);  // many of one moment
    if (i % 3 == 0) each.integration = another.name;
    each.state = i % 4 == 0 ? ConnectionState::rejected : ConnectionState::awaiting_role;
    if (i % 5 == 0) each.state = ConnectionState::disconnected;
    add(each);
    if (each.tenant_id == tenant_.id && each.integration == samples::integration_name() && i % 5 != 0)
      wanted.push_back(each.id);
  }
  const auto found = [&](std::span<const ConnectionState> in, std::size_t limit) {
    return read(
        [&](Transaction& t) { return t.connections_of(tenant_.id, samples::integration_name(), in, limit); });
  };
  const auto all = found(states, 100);
  std::vector<ConnectionId> ids;
  for (const Connection& each : all) ids.push_back(each.id);
  EXPECT_TRUE(std::ranges::is_sorted(
      all, std::greater<>{}, [](const Connection& each) { return std::pair{each.created_at, each.id}; }));
  for (const std::size_t limit : {1U, 3U, 5U}) {
    const auto some = found(states, limit);
    ASSERT_EQ(some.size(), limit);
    for (std::size_t i = 0; i < limit; ++i) EXPECT_EQ(some[i].id, ids[i]) << limit;
  }
  std::ranges::sort(ids);
  std::ranges::sort(wanted);
  EXPECT_EQ(ids, wanted);
  EXPECT_TRUE(found({}, 100).empty());
}

// Neither repeated nor left out, though others come between the pages and many are of one moment.
TEST_P(StoreConnections, PagesAreStableUnderInserts) {
  std::vector<ConnectionId> expected;
  for (int i = 0; i < 9; ++i) {
    const Connection each = samples::connection(tenant_.id, 50);
    add(each);
    expected.push_back(each.id);
  }
  std::vector<ConnectionId> seen;
  PageRequest request{.limit = 2, .after = ""};
  for (int pages = 0; pages < 20; ++pages) {
    const auto page = read([&](Transaction& t) { return t.list_connections({}, request); });
    for (const Connection& each : page.items) seen.push_back(each.id);
    if (!page.next_cursor) break;
    request.after = *page.next_cursor;
    add(samples::connection(tenant_.id, 60));  // newer: belongs before the first page
  }
  std::ranges::sort(expected);
  std::ranges::sort(seen);
  EXPECT_EQ(seen, expected);
}

TEST_P(StoreConnections, FindsWhoHoldsAnAccount) {
  Connection active = samples::full_connection(tenant_.id);
  Connection verifying_again = samples::full_connection(tenant_.id);
  verifying_again.state = ConnectionState::verifying;
  Connection never_active = samples::full_connection(tenant_.id);
  never_active.holds_account = false;
  Connection elsewhere = samples::full_connection(tenant_.id);
  elsewhere.role_arn = samples::role("Acme", "444455556666");
  for (const Connection& each : {active, verifying_again, never_active, elsewhere}) add(each);
  const auto in_account = [&](std::string_view account, std::size_t limit) {
    std::vector<ConnectionId> ids;
    for (const Connection& each : read(
             [&](Transaction& t) { return t.connections_holding(AccountId::parse(account).value(), limit); }))
      ids.push_back(each.id);
    std::ranges::sort(ids);
    return ids;
  };
  std::vector<ConnectionId> expected{active.id, verifying_again.id};
  std::ranges::sort(expected);
  EXPECT_EQ(in_account("111122223333", 10), expected);
  EXPECT_EQ(in_account("111122223333", 1).size(), 1U);
  EXPECT_EQ(in_account("444455556666", 10), std::vector{elsewhere.id});
  EXPECT_TRUE(in_account("000000000000", 10).empty());
  // It follows the role ARN.
  elsewhere.role_arn = samples::role("Acme", "777788889999");
  write([&](Transaction& t) { return t.update(elsewhere); });
  EXPECT_TRUE(in_account("444455556666", 10).empty());
  EXPECT_EQ(in_account("777788889999", 10), std::vector{elsewhere.id});
}

TEST_P(StoreConnections, FindsWhoClaimedAnAccountFirst) {
  const auto first = [&](std::string_view account) -> std::optional<ConnectionId> {
    const auto found =
        read([&](Transaction& t) { return t.first_to_claim(AccountId::parse(account).value()); });
    return found ? std::optional{found->id} : std::nullopt;
  };
  Connection typed = samples::connection(tenant_.id);  // claims nothing
  typed.role_arn = samples::role();
  Connection named = samples::connection(tenant_.id);  // has no role
  named.account_id = AccountId::parse("111122223333").value();
  named.account_claimed_at = samples::at(20);
  Connection answered = samples::connection(tenant_.id);
  answered.role_arn = samples::role();
  answered.account_claimed_at = samples::at(10);
  add(typed);
  EXPECT_FALSE(first("111122223333"));
  add(named);
  EXPECT_EQ(first("111122223333"), named.id);
  add(answered);
  EXPECT_EQ(first("111122223333"), answered.id);
  EXPECT_FALSE(first("444455556666"));
  answered.account_claimed_at.reset();
  write([&](Transaction& t) { return t.update(answered); });
  EXPECT_EQ(first("111122223333"), named.id);
}

TEST_P(StoreConnections, TellsWhatIsDueLongestFirst) {
  EXPECT_FALSE(read([](Transaction& t) { return t.earliest_due(); }));
  std::vector<ConnectionId> ids;
  for (const int due : {30, 10, 20}) {
    Connection each = samples::connection(tenant_.id);
    each.next_verification_at = samples::at(due);
    add(each);
    ids.push_back(each.id);
  }
  add(samples::connection(tenant_.id));  // never due
  const auto due = [&](int now, std::size_t limit) {
    std::vector<ConnectionId> found;
    for (const Connection& each :
         read([&](Transaction& t) { return t.due_connections(samples::at(now), limit); }))
      found.push_back(each.id);
    return found;
  };
  EXPECT_EQ(read([](Transaction& t) { return t.earliest_due(); }), samples::at(10));
  EXPECT_TRUE(due(9, 10).empty());
  EXPECT_EQ(due(10, 10), std::vector{ids[1]});
  EXPECT_EQ(due(100, 10), (std::vector{ids[1], ids[2], ids[0]}));
  EXPECT_EQ(due(100, 2), (std::vector{ids[1], ids[2]}));
}

TEST_P(StoreConnections, CountsThoseInEachState) {
  const auto counts = [&] { return read([](Transaction& t) { return t.count_connections(); }); };
  EXPECT_TRUE(counts().empty());
  for (const auto state : {ConnectionState::active, ConnectionState::active, ConnectionState::suspended}) {
    Connection each = samples::connection(tenant_.id);
    each.state = state;
    add(each);
  }
  using Counts = std::map<ConnectionState, std::size_t>;
  EXPECT_EQ(counts(), (Counts{{ConnectionState::active, 2}, {ConnectionState::suspended, 1}}));
}

TEST_P(StoreConnections, KeepsVerifications) {
  const Connection connection = samples::connection(tenant_.id);
  const Connection other = samples::connection(tenant_.id);
  add(connection);
  add(other);
  Verification first = samples::verification(connection.id, 1);
  const Verification second = samples::verification(connection.id, 2);
  const Verification foreign = samples::verification(other.id, 3);
  for (const Verification& each : {first, second, foreign})
    write([&](Transaction& t) { return t.insert(each); });
  EXPECT_EQ(refused([&](Transaction& t) { return t.insert(first); }), ErrorKind::conflict);

  const auto running = [&](const ConnectionId& id) {
    return read([&](Transaction& t) { return t.running_verification(id); });
  };
  ASSERT_TRUE(running(connection.id));
  EXPECT_EQ(running(connection.id)->id, second.id);
  EXPECT_EQ(read([](Transaction& t) { return t.running_verifications(10); }).size(), 3U);
  EXPECT_EQ(read([](Transaction& t) { return t.running_verifications(1); })[0].id, first.id);

  const Verification done = samples::finished(first);
  write([&](Transaction& t) { return t.update(done); });
  write([&](Transaction& t) { return t.update(samples::finished(second)); });
  EXPECT_FALSE(running(connection.id));
  EXPECT_TRUE(running(other.id));
  const auto find = [&](const ConnectionId& owner, const VerificationId& id) {
    return read([&](Transaction& t) { return t.find_verification(owner, id); });
  };
  const auto found = find(connection.id, done.id);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->done);
  EXPECT_EQ(found->outcome, done.outcome);
  EXPECT_EQ(found->proof, done.proof);
  EXPECT_EQ(found->role_arn, done.role_arn);
  EXPECT_EQ(found->partner_principal, done.partner_principal);
  EXPECT_EQ(found->binding_version, 2);
  EXPECT_EQ(found->started_at, done.started_at);
  EXPECT_EQ(found->finished_at, done.finished_at);
  ASSERT_EQ(found->checks.size(), 2U);
  EXPECT_EQ(found->checks[0].result, CheckResult::passed);
  ASSERT_TRUE(found->checks[0].evidence);
  EXPECT_EQ(found->checks[0].evidence->aws_request_id, "req-1");
  EXPECT_EQ(found->checks[0].evidence->at, done.checks[0].evidence->at);
  EXPECT_EQ(found->checks[0].evidence->trust_policy_sha256, "0a1b");
  EXPECT_FALSE(found->checks[0].mend);
  EXPECT_EQ(found->checks[1].message, done.checks[1].message);
  EXPECT_EQ(found->checks[1].mend, "add the condition");
  // Threat 21: another connection's verification is not there.
  EXPECT_FALSE(find(other.id, done.id));
  EXPECT_FALSE(find(connection.id, foreign.id));

  const auto listed = all_pages(
      [&](const PageRequest& page) {
        return read([&](Transaction& t) { return t.list_verifications(connection.id, page); });
      },
      1);
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].id, second.id);
  EXPECT_EQ(listed[1].id, first.id);
}

TEST_P(StoreConnections, AFailingWorkWritesNothing) {
  const Connection connection = samples::full_connection(tenant_.id);
  EXPECT_EQ(refused([&](Transaction& t) -> Result<void> {
              DEPUTY_TRY(add(t, connection));
              DEPUTY_TRY(t.append(entry("connection.created")));
              DEPUTY_TRY(t.insert(samples::verification(connection.id)));
              return Error{ErrorKind::rate_limited, "no"};
            }),
            ErrorKind::rate_limited);
  EXPECT_FALSE(find(connection.id));
  EXPECT_FALSE(read([](Transaction& t) { return t.journal_head(); }));
  EXPECT_TRUE(store().check_integrity({}));
  add(connection);  // its external ID is free still
  EXPECT_TRUE(find(connection.id));
}

TEST_P(StoreConnections, AWorkThatThrowsWritesNothing) {
  const Connection connection = samples::connection(tenant_.id);
  EXPECT_THROW(static_cast<void>(store().write([&](Transaction& t) -> Result<void> {
                 DEPUTY_TRY(add(t, connection));
                 throw std::runtime_error{"out of memory"};
               })),
               std::runtime_error);
  EXPECT_FALSE(find(connection.id));
  add(connection);
}

// A conflict that the work takes in its stride spoils nothing.
TEST_P(StoreConnections, AWorkMayGoOnAfterAConflict) {
  const Connection connection = samples::connection(tenant_.id);
  write([&](Transaction& t) -> Result<void> {
    EXPECT_FALSE(t.insert(tenant_));
    EXPECT_FALSE(t.insert(samples::integration()));
    return add(t, connection);
  });
  EXPECT_TRUE(find(connection.id));
  EXPECT_TRUE(store().check_integrity({}));
}

TEST_P(StoreConnections, AReadSeesOneMomentAndWritesNothing) {
  add(samples::connection(tenant_.id));
  expect_success(store().read([&](Transaction& t) -> Result<void> {
    DEPUTY_TRY(const auto before, t.list_connections({}, {}));
    std::thread{[&] { add(samples::connection(tenant_.id)); }}.join();
    DEPUTY_TRY(const auto after, t.list_connections({}, {}));
    EXPECT_EQ(before.items.size(), after.items.size());
    EXPECT_FALSE(t.insert(samples::tenant()));
    EXPECT_FALSE(t.append(entry("never")));
    return success();
  }));
  EXPECT_EQ(list({}).size(), 2U);
  EXPECT_FALSE(read([](Transaction& t) { return t.journal_head(); }));
}

TEST_P(StoreConnections, AWorkSeesWhatItWrote) {
  const Connection connection = samples::connection(tenant_.id);
  write([&](Transaction& t) -> Result<void> {
    DEPUTY_TRY(add(t, connection));
    DEPUTY_TRY(const auto found, t.find_connection(connection.id));
    EXPECT_TRUE(found);
    DEPUTY_TRY(t.append(entry("one")));
    DEPUTY_TRY(const auto head, t.journal_head());
    EXPECT_EQ(head->sequence, 1);
    DEPUTY_TRY(const auto journal, t.list_journal({}));
    EXPECT_EQ(journal.items.size(), 1U);
    return success();
  });
}

TEST_P(StoreConnections, SurvivesReopening) {
  const Connection connection = samples::full_connection(tenant_.id);
  add(connection);
  write([&](Transaction& t) { return t.append(entry("connection.created")); });
  const auto head = read([](Transaction& t) { return t.journal_head(); });
  for (int i = 0; i < 3; ++i) {
    reopen();
    expect_same(*find(connection.id), connection);
    EXPECT_EQ(read([](Transaction& t) { return t.journal_head(); })->hash, head->hash);
    EXPECT_TRUE(store().check_integrity(head));
  }
}

// Threads write and read at once: every revision and every journal entry is there exactly once.
TEST_P(StoreConnections, KeepsConcurrentWritersApart) {
  constexpr int threads = 4;
  constexpr int rounds = 15;
  const Connection shared = samples::connection(tenant_.id);
  add(shared);
  const ExternalId contested = samples::external_id();
  std::atomic<int> claims{0};
  std::atomic<int> failures{0};
  std::vector<std::thread> workers;
  for (int worker = 0; worker < threads; ++worker) {
    workers.emplace_back([&] {
      for (int round = 0; round < rounds; ++round) {
        const auto written = store().write([&](Transaction& t) -> Result<void> {
          DEPUTY_TRY(auto connection, t.find_connection(shared.id));
          connection->binding_version += 1;
          DEPUTY_TRY(t.update(*connection));
          return t.append(entry("connection.changed"));
        });
        const auto looked = store().read([&](Transaction& t) -> Result<void> {
          DEPUTY_TRY(const auto connection, t.find_connection(shared.id));
          DEPUTY_TRY(const auto head, t.journal_head());
          // One moment: as many changes as entries.
          if (head && connection->binding_version != head->sequence + 1)
            return Error{ErrorKind::conflict, "a torn read"};
          return success();
        });
        if (!written || !looked) ++failures;
      }
      if (store().write([&](Transaction& t) { return t.claim_external_id(contested, shared.id); })) ++claims;
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(claims, 1);
  EXPECT_EQ(find(shared.id)->revision, 1 + threads * rounds);
  EXPECT_EQ(read([](Transaction& t) { return t.journal_head(); })->sequence, threads * rounds);
  EXPECT_TRUE(store().check_integrity({}));
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreConnections, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace deputy::conformance
