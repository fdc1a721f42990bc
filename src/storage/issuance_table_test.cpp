#include "storage/issuance_table.hpp"

#include "support/fake_random.hpp"
#include "support/raw_database.hpp"
#include "support/registry_samples.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <map>
#include <set>

#include "storage/sqlite_store.hpp"

namespace deputy::storage {
namespace {

using namespace registry;

// Thousands of issuances, in transactions of many sizes, found again through an index that lags behind.
class IssuanceTable : public testing::Test {
 protected:
  IssuanceTable() {
    open();
    write([&](Transaction& t) -> Result<void> {
      DEPUTY_TRY(t.insert(tenant));
      return t.insert(samples::integration());
    });
    for (int i = 0; i < 3; ++i) {
      connections.push_back(samples::connection(tenant.id, i));
      write([&](Transaction& t) -> Result<void> {
        DEPUTY_TRY(t.claim_external_id(connections.back().external_id, connections.back().id));
        return t.insert(connections.back());
      });
    }
  }

  void open() {
    store.reset();
    auto opened = open_sqlite({.file = file, .create = true}, key);
    ASSERT_TRUE(opened) << opened.error().message << opened.error().detail;
    store = std::move(opened).value();
  }
  template <class Work>
  void write(Work work) {
    const auto written = store->write([&](Transaction& t) -> Result<void> { return work(t); });
    ASSERT_TRUE(written) << written.error().message << " " << written.error().detail;
  }
  // In transactions of 1 to 1,009 each.
  void record(int count) {
    int size = 1;
    for (int done = 0; done < count; size = (size * 5) % 1'009 + 1) {
      write([&](Transaction& t) -> Result<void> {
        for (int i = 0; i < size && done < count; ++i, ++done) {
          const Connection& one = connections[static_cast<std::size_t>(made * 31 / 7) % connections.size()];
          const Issuance issuance = samples::issuance(one, made++);
          DEPUTY_TRY(t.insert(issuance));
          expected[one.id.text()].insert(expected[one.id.text()].begin(), issuance.id.text());
        }
        return success();
      });
    }
  }
  std::vector<std::string> listed(const ConnectionId& connection) {
    std::vector<std::string> ids;
    PageRequest page{.limit = 200};
    for (;;) {
      std::optional<Page<Issuance>> got;
      const auto read = store->read([&](Transaction& t) -> Result<void> {
        DEPUTY_TRY(got, t.list_issuances(connection, page));
        return success();
      });
      if (!read) throw std::runtime_error{read.error().message + " " + read.error().detail};
      for (const Issuance& each : got->items) ids.push_back(each.id.text());
      if (!got->next_cursor) return ids;
      page.after = *got->next_cursor;
    }
  }
  void expect_all_listed() {
    for (const Connection& each : connections) EXPECT_EQ(listed(each.id), expected[each.id.text()]);
  }
  std::int64_t number(const std::string& sql) { return std::stoll(RawDatabase{file}.value(sql)); }

  TemporaryFolder folder;
  std::filesystem::path file = folder.path() / "deputy.db";
  SeededRandom random{5};
  MasterKey key = MasterKey::draw(random);
  std::unique_ptr<Store> store;
  Tenant tenant = samples::tenant();
  std::vector<Connection> connections;
  std::map<std::string, std::vector<std::string>> expected;  // newest first
  int made = 0;
};

constexpr int gathered = static_cast<int>(IssuancePlaces::gathered_max);

TEST_F(IssuanceTable, FindsAllBeforeTheIndexHasAny) {
  record(500);
  EXPECT_EQ(number("SELECT COUNT(*) FROM issuance_places"), 0);
  expect_all_listed();
  open();
  expect_all_listed();
  EXPECT_TRUE(store->check_integrity({}));
}

TEST_F(IssuanceTable, FindsAllWhileTheIndexIsBeingWritten) {
  record(gathered + 1'000);
  EXPECT_GT(number("SELECT COUNT(*) FROM issuance_places"), 1'000);
  EXPECT_EQ(number("SELECT COUNT(*) FROM issuance_places_complete"), 0);
  expect_all_listed();
  EXPECT_TRUE(store->check_integrity({}));
  open();  // what was on its way is read again
  expect_all_listed();
  record(gathered);
  expect_all_listed();
  EXPECT_TRUE(store->check_integrity({}));
}

TEST_F(IssuanceTable, TheIndexCatchesUpAndGoesOn) {
  record(2 * gathered + gathered / 2 + 200);
  EXPECT_GE(number("SELECT MAX(number) FROM issuance_places_complete"), gathered);
  expect_all_listed();
  open();
  record(100);
  expect_all_listed();
  EXPECT_TRUE(store->check_integrity({}));
}

TEST_F(IssuanceTable, ATransactionThatFailsLeavesNothing) {
  record(gathered + 10);  // a share is due with each
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(store->write([&](Transaction& t) -> Result<void> {
      DEPUTY_TRY(t.insert(samples::issuance(connections[0])));
      return Error{ErrorKind::internal, "given up"};
    }));
  }
  record(gathered);
  expect_all_listed();
  EXPECT_TRUE(store->check_integrity({}));
}

TEST_F(IssuanceTable, IsReadInTheTransactionThatWritesIt) {
  record(3);
  write([&](Transaction& t) -> Result<void> {
    const Issuance issuance = samples::issuance(connections[0]);
    DEPUTY_TRY(t.insert(issuance));
    DEPUTY_TRY(const auto page, t.list_issuances(connections[0].id, {}));
    EXPECT_EQ(page.items.at(0).id, issuance.id);
    return success();
  });
}

// The index is no evidence: what it hides or adds is found, and what it leads to is looked at.
TEST_F(IssuanceTable, AnEditedIndexIsFound) {
  record(2 * gathered);
  record(gathered / 2 + 500);
  store.reset();
  ASSERT_GT(number("SELECT COUNT(*) FROM issuance_places_complete"), 0);
  const std::string some = "'" + connections[0].id.text() + "'", other = "'" + connections[1].id.text() + "'";
  const std::vector<std::string> edits{
      "DELETE FROM issuance_places WHERE number = 77",
      "UPDATE issuance_places SET number = 900000 WHERE number = 77",
      "UPDATE issuance_places SET connection_id = " + some +
          " WHERE number = (SELECT MIN(number) FROM issuance_places WHERE connection_id = " + other + ")",
      "INSERT INTO issuance_places VALUES (" + some + ", 900001)",
      "UPDATE issuance_places_complete SET number = 1000000"};
  for (const std::string& edit : edits) {
    const auto copy = folder.path() / "edited.db";
    std::filesystem::copy_file(file, copy, std::filesystem::copy_options::overwrite_existing);
    RawDatabase{copy}.edit(edit);
    const auto edited = open_sqlite({.file = copy}, key).value();
    const auto checked = edited->check_integrity({});
    ASSERT_FALSE(checked) << edit;
    EXPECT_EQ(checked.error().kind, ErrorKind::conflict) << edit;
  }
  const auto copy = folder.path() / "misled.db";
  std::filesystem::copy_file(file, copy);
  RawDatabase{copy}.edit("UPDATE OR REPLACE issuance_places SET connection_id = " + some);
  const auto edited = open_sqlite({.file = copy}, key).value();
  // Another tenant's issuances, to which the index leads now, are not shown.
  EXPECT_FALSE(edited->read([&](Transaction& t) -> Result<void> {
    for (PageRequest page{.limit = 200};;) {
      DEPUTY_TRY(const auto got, t.list_issuances(connections[0].id, page));
      for (const Issuance& each : got.items) EXPECT_EQ(each.connection_id, connections[0].id);
      if (!got.next_cursor) return success();
      page.after = *got.next_cursor;
    }
  }));
}

}  // namespace
}  // namespace deputy::storage
