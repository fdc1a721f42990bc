#include "broker/recorder.hpp"

#include "support/broker_fixture.hpp"
#include "support/service_fixture.hpp"

namespace deputy::broker {
namespace {

class RecorderTest : public BrokerFixture {
 protected:
  RecorderTest() {
    for (int i = 0; i < 3; ++i) connections.push_back(connect("T" + std::to_string(i)));
    for (const auto& each : connections) EXPECT_TRUE(issue(admin, each.id));
  }
  // Keeps the one thread of the pool, and with it the database, until it is opened.
  struct Latch {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false, reached = false;

    void pass() {
      std::unique_lock lock{mutex};
      reached = true;
      changed.notify_all();
      changed.wait(lock, [this] { return open; });
    }
    void wait_for_reached() {
      std::unique_lock lock{mutex};
      changed.wait(lock, [this] { return reached; });
    }
    void let_go() {
      const std::lock_guard lock{mutex};
      open = true;
      changed.notify_all();
    }
  };

  std::uint64_t transactions() const {
    std::uint64_t all = 0;
    const auto counts = broker->counts();
    for (const auto count : counts.journal_records.counts()) all += count;
    return all;
  }

  const registry::Key admin = key(registry::KeyRole::admin);
  std::vector<registry::Connection> connections;
};

TEST_F(RecorderTest, RecordsThatComeTogetherShareATransaction) {
  const auto before = transactions();
  std::vector<std::unique_ptr<Ongoing>> ongoing;
  for (const auto& each : connections) ongoing.push_back(begin(request(admin, each.id)));
  for (const auto& each : ongoing) EXPECT_TRUE(end(*each));
  EXPECT_EQ(transactions(), before + 1);
  EXPECT_EQ(journal_entries("credentials.issued").size(), 6U);
  EXPECT_TRUE(store().check_integrity(std::nullopt));
}

TEST_F(RecorderTest, WhatComesDuringATransactionSharesTheNext) {
  const auto before = transactions();
  const auto first = begin(request(admin, connections[0].id));
  Latch latch;
  ASSERT_TRUE(pool.try_post([&] { latch.pass(); }));
  latch.wait_for_reached();
  loop.run_ready();  // its transaction waits for the pool
  std::vector<std::unique_ptr<Ongoing>> others;
  for (int i = 0; i < 5; ++i) others.push_back(begin(request(admin, connections[1].id)));
  loop.run_ready();
  EXPECT_EQ(broker->counts().records_waiting, 5U);
  EXPECT_FALSE(first->result) << "before it was durable";
  latch.let_go();
  EXPECT_TRUE(end(*first));
  for (const auto& each : others) EXPECT_TRUE(end(*each));
  EXPECT_EQ(transactions(), before + 2);
}

// The connection ended while its record waited: the others of the same transaction are issued.
TEST_F(RecorderTest, ADisconnectedOneOfAFullTransactionIsRefusedAlone) {
  const auto gone = begin(request(admin, connections[0].id));
  const auto stays = begin(request(admin, connections[1].id));
  ASSERT_TRUE(registry().disconnect(actor(), connections[0].id));
  EXPECT_EQ(end(*gone).error().kind, ErrorKind::connection_disconnected);
  EXPECT_TRUE(end(*stays));
  EXPECT_EQ(issuances(connections[0].id).size(), 1U) << "the one of before";
}

TEST_F(RecorderTest, NothingLeavesWhenTheTransactionFails) {
  FlakyStore flaky{store()};
  registry::Registry book{flaky, clock(), random(), registry().settings()};
  const auto view = book.issuing_view(connections[0].id, std::nullopt).value();
  Tally tally;
  Recorder recorder{loop, clock(), pool, book, tally};
  const registry::IssuanceRecord record{actor(), make_issuance(connections[0]), view};
  flaky.failing = true;
  const auto refused = loop.run(recorder.record(record));
  EXPECT_EQ(refused.error().kind, ErrorKind::overloaded);
  flaky.failing = false;
  EXPECT_TRUE(loop.run(recorder.record(record)));
  loop.run(recorder.stop());
  EXPECT_EQ(issuances(connections[0].id).size(), 2U);
}

}  // namespace
}  // namespace deputy::broker
