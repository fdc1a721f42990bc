#include "registry/facts.hpp"

#include "support/raw_database.hpp"
#include "support/registry_fixture.hpp"

namespace deputy::registry {
namespace {

using namespace std::chrono_literals;

// What stands in memory, over a real store.
class FactsTest : public RegistryFixture {
 protected:
  Connection active_connection() {
    std::optional<Connection> made;
    EXPECT_TRUE(store().write([&](Transaction& tx) -> Result<void> {
      DEPUTY_TRY(made, insert_active(tx, "222222222222"));
      return success();
    }));
    return *std::move(made);
  }
  CreatedKey make_key(NewKey wanted = {.role = KeyRole::auditor}) {
    return registry().create_key(actor(), std::move(wanted), std::nullopt).value().value;
  }
  // Uses a key as the API does: once for noting it, once for knowing it.
  void use(const CreatedKey& key) {
    EXPECT_TRUE(registry().authenticate(*key.secret));
    EXPECT_TRUE(registry().authenticate(*key.secret));
  }
  void put_workload(std::vector<Grant> grants) {
    EXPECT_TRUE(registry().put_workload(actor(), {collector, std::move(grants)}));
  }

  const WorkloadName collector = WorkloadName::parse("collector").value();
};

TEST_F(FactsTest, NothingIsKnownThatWasNotRead) {
  const auto connection = active_connection();
  const auto key = make_key();
  EXPECT_FALSE(registry().known_view(connection.id, std::nullopt));
  EXPECT_FALSE(registry().known_key(*key.secret));
  EXPECT_FALSE(registry().known_key(SecretString{"dpk_auditor_wrong"}));
}

// The one that writes a key's use down keeps it for the others.
TEST_F(FactsTest, AKeyIsKnownFromItsFirstUseOnAlsoWhenThatIsWrittenDown) {
  const auto key = make_key();
  ASSERT_TRUE(registry().authenticate(*key.secret));
  EXPECT_TRUE(registry().known_key(*key.secret));
  clock().advance(1min);
  EXPECT_FALSE(registry().known_key(*key.secret));
  EXPECT_TRUE(registry().knows_secret(*key.secret));
  ASSERT_TRUE(registry().authenticate(*key.secret));
  EXPECT_TRUE(registry().known_key(*key.secret));
  ASSERT_TRUE(registry().revoke_key(actor(), key.key.id));
  EXPECT_FALSE(registry().knows_secret(*key.secret));
}

TEST_F(FactsTest, AConnectionIsForgottenWithEveryWriteToIt) {
  const auto connection = active_connection();
  const std::vector<std::function<void()>> acts{
      [&] { EXPECT_TRUE(registry().begin_rotation(actor(), connection.id)); },
      [&] { EXPECT_TRUE(registry().cancel_rotation(actor(), connection.id)); },
      [&] { EXPECT_TRUE(registry().request_verification(actor(), connection.id)); },
      [&] {
        EXPECT_TRUE(registry().set_role(actor(), connection.id,
                                        RoleArn::parse("arn:aws:iam::222222222222:role/other").value()));
      },
      [&] { EXPECT_TRUE(registry().disconnect(actor(), connection.id)); }};
  for (std::size_t i = 0; i < acts.size(); ++i) {
    clock().advance(1min);
    ASSERT_TRUE(registry().issuing_view(connection.id, std::nullopt));
    ASSERT_TRUE(registry().known_view(connection.id, std::nullopt)) << i;
    acts[i]();
    EXPECT_FALSE(registry().known_view(connection.id, std::nullopt)) << i;
  }
  const auto view = registry().issuing_view(connection.id, std::nullopt).value();
  EXPECT_EQ(view.connection->state, ConnectionState::disconnected);
}

TEST_F(FactsTest, AWriteThatFailsDropsAsMuchAsOneThatSucceeds) {
  const auto connection = active_connection();
  ASSERT_TRUE(registry().issuing_view(connection.id, std::nullopt));
  EXPECT_FALSE(store().write([&](Transaction& tx) -> Result<void> {
    DEPUTY_TRY(auto stored, tx.find_connection(connection.id));
    DEPUTY_TRY(tx.update(*stored));
    return Error{ErrorKind::internal, "given up"};
  }));
  EXPECT_FALSE(registry().known_view(connection.id, std::nullopt));
}

TEST_F(FactsTest, AWorkloadIsForgottenWithItsGrants) {
  const auto connection = active_connection();
  put_workload({Grant{}});
  ASSERT_TRUE(registry().issuing_view(connection.id, collector));
  ASSERT_TRUE(registry().known_view(connection.id, collector));
  put_workload({});
  EXPECT_FALSE(registry().known_view(connection.id, collector));
  EXPECT_TRUE(registry().known_view(connection.id, std::nullopt));
}

TEST_F(FactsTest, AKeyIsForgottenWhenItIsRevoked) {
  const auto key = make_key();
  use(key);
  ASSERT_TRUE(registry().known_key(*key.secret));
  ASSERT_TRUE(registry().revoke_key(actor(), key.key.id));
  EXPECT_FALSE(registry().known_key(*key.secret));
  EXPECT_EQ(registry().authenticate(*key.secret).error().kind, ErrorKind::unauthorized);
}

TEST_F(FactsTest, AKeyThatAnotherMadeEndsWithThatOne) {
  put_workload({Grant{}});
  const auto connection = active_connection();
  const auto maker = make_key({.role = KeyRole::workload, .workload = collector});
  const auto made = make_key({.role = KeyRole::workload,
                              .workload = collector,
                              .connection_id = connection.id,
                              .made_with = maker.key.id});
  use(made);
  ASSERT_TRUE(registry().known_key(*made.secret));
  ASSERT_TRUE(registry().revoke_key(actor(), maker.key.id));
  EXPECT_FALSE(registry().known_key(*made.secret));
  const auto from_the_database = registry().authenticate(*made.secret);
  ASSERT_FALSE(from_the_database);
  EXPECT_EQ(from_the_database.error().kind, ErrorKind::unauthorized);
}

TEST_F(FactsTest, AKeyExpiresInMemoryToo) {
  const auto key = make_key({.role = KeyRole::auditor, .expires_in = 30s});
  use(key);
  clock().advance(29s);
  EXPECT_TRUE(registry().known_key(*key.secret));
  clock().advance(1s);
  EXPECT_FALSE(registry().known_key(*key.secret));
}

// Once a minute one of a key's users writes its use down; the others do not wait for that.
TEST_F(FactsTest, OneUserNotesTheUse) {
  const auto key = make_key();
  use(key);
  clock().advance(1min);
  EXPECT_FALSE(registry().known_key(*key.secret));
  EXPECT_TRUE(registry().known_key(*key.secret));
  use(key);
  EXPECT_TRUE(registry().known_key(*key.secret));
  EXPECT_EQ(registry().key(key.key.id).value().last_used_at, clock().now());
}

// Read before a change, put in after it: it would stand there for ever.
TEST_F(FactsTest, WhatWasReadBeforeAChangeDoesNotComeInAfterIt) {
  const auto connection = active_connection();
  Facts facts{{}};
  const auto before = facts.mark();
  const auto fact = std::make_shared<const ConnectionFact>(ConnectionFact{connection, true});
  facts.touched({.connections = {connection.id}});
  facts.put(before, fact);
  EXPECT_FALSE(facts.connection(connection.id));
  facts.put(facts.mark(), fact);
  EXPECT_TRUE(facts.connection(connection.id));
}

TEST_F(FactsTest, ThatHoldsForWorkloadsAndKeysToo) {
  Facts facts{{}};
  const auto created = make_key();
  const auto key = std::make_shared<const Key>(created.key);
  const auto before = facts.mark();
  facts.touched({.workloads = {collector}, .keys = {created.key.id}});
  facts.put(before, std::make_shared<const Workload>(Workload{collector, {Grant{}}}));
  facts.put(before, key);
  EXPECT_FALSE(facts.workload(collector));
  EXPECT_FALSE(facts.key(created.key.id));
  facts.put(before, *created.secret, key);
  EXPECT_FALSE(facts.key(created.key.id));
  EXPECT_FALSE(facts.key(*created.secret));
}

TEST_F(FactsTest, WhenAllMayHaveChangedNothingIsKept) {
  const auto connection = active_connection();
  const auto made = make_key(), maker = make_key();
  Facts facts{{}};
  facts.put(facts.mark(), std::make_shared<const ConnectionFact>(ConnectionFact{connection, true}));
  facts.put(facts.mark(), std::make_shared<const Workload>(Workload{collector, {}}));
  facts.put(facts.mark(), *made.secret, std::make_shared<const Key>(made.key));
  facts.put(facts.mark(), std::make_shared<const Key>(maker.key));
  const auto before = facts.mark();
  facts.touched({.everything = true});
  EXPECT_NE(facts.mark(), before);
  EXPECT_FALSE(facts.connection(connection.id));
  EXPECT_FALSE(facts.workload(collector));
  EXPECT_FALSE(facts.key(*made.secret));
  EXPECT_FALSE(facts.key(made.key.id));
  EXPECT_FALSE(facts.key(maker.key.id));
}

// A key that gave way to others must not be found by its secret any more: its revocation would not be seen.
TEST_F(FactsTest, AKeyThatGaveWayIsNotFoundByItsSecretEither) {
  Facts facts{{.keys_max = 1}};
  const auto first = make_key(), second = make_key();
  facts.put(facts.mark(), *first.secret, std::make_shared<const Key>(first.key));
  ASSERT_TRUE(facts.key(*first.secret));
  facts.put(facts.mark(), std::make_shared<const Key>(second.key));
  EXPECT_FALSE(facts.key(*first.secret));
}

TEST_F(FactsTest, TheLeastRecentlyUsedGivesWay) {
  Facts facts{{.connections_max = 2}};
  std::vector<Connection> three{active_connection(), active_connection(), active_connection()};
  for (const Connection& each : three) {
    facts.put(facts.mark(), std::make_shared<const ConnectionFact>(ConnectionFact{each, true}));
    EXPECT_TRUE(facts.connection(three[0].id));
  }
  EXPECT_FALSE(facts.connection(three[1].id));
  EXPECT_TRUE(facts.connection(three[2].id));
}

// Somebody else's write shows before the next of ours begins, and empties the memory.
TEST_F(FactsTest, AnotherProcesssWriteEmptiesTheMemory) {
  const auto connection = active_connection();
  const auto view = registry().issuing_view(connection.id, std::nullopt).value();
  ASSERT_TRUE(registry().known_view(connection.id, std::nullopt));
  RawDatabase{database_file()}.edit("UPDATE connections SET state = 'suspended'");
  const auto recorded = registry().record_issuance(actor(), make_issuance(connection), view);
  EXPECT_EQ(recorded.error().kind, ErrorKind::internal) << "the row was edited, and was not looked at";
  EXPECT_FALSE(registry().known_view(connection.id, std::nullopt));
}

// One refused record does not take the others with it.
TEST_F(FactsTest, RecordsThatShareATransactionSucceedAndFailEachByItself) {
  const auto good = active_connection();
  const auto ended = active_connection();
  const auto record = [&](const Connection& connection) {
    return IssuanceRecord{actor(), make_issuance(connection),
                          registry().issuing_view(connection.id, std::nullopt).value()};
  };
  const std::vector records{record(good), record(ended), record(good)};
  ASSERT_TRUE(registry().disconnect(actor(), ended.id));
  const std::vector pointers{&records[0], &records[1], &records[2]};
  const auto outcomes = registry().record_issuances(pointers);
  ASSERT_EQ(outcomes.size(), 3U);
  EXPECT_TRUE(outcomes[0]);
  EXPECT_EQ(outcomes[1].error().kind, ErrorKind::connection_disconnected);
  EXPECT_TRUE(outcomes[2]);
  EXPECT_EQ(registry().issuances(good.id, {}).value().items.size(), 2U);
  EXPECT_TRUE(registry().issuances(ended.id, {}).value().items.empty());
  EXPECT_TRUE(store().check_integrity(std::nullopt));
}

}  // namespace
}  // namespace deputy::registry
