#include "support/fake_random.hpp"
#include "support/raw_database.hpp"
#include "support/registry_samples.hpp"
#include "support/temporary_folder.hpp"

#include <functional>
#include <gtest/gtest.h>
#include <set>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/sqlite_store.hpp"

// Group F: the journal in its file, and what a crash leaves.
namespace deputy {
namespace {

using namespace registry;

journal::Entry entry(std::string act, std::string subject) {
  return {.sequence = 0,
          .at = samples::at(1),
          .actor = {"key", "key_x", "192.0.2.1"},
          .act = std::move(act),
          .subject = std::move(subject),
          .tenant = "ten_x",
          .outcome = journal::Outcome::done,
          .detail = "{}"};
}

// Another text of the same length in the row that ends with an entry.
std::string edited(const std::string& from, const std::string& to, int last) {
  return "UPDATE journal SET entries = CAST(REPLACE(CAST(entries AS TEXT), '" + from + "', '" + to +
         "') AS BLOB) WHERE last = " + std::to_string(last);
}

class Evidence : public testing::Test {
 protected:
  std::unique_ptr<Store> open() {
    auto opened = storage::open_sqlite({.file = file_, .create = true}, master_);
    if (!opened) throw std::runtime_error{opened.error().message + " " + opened.error().detail};
    return std::move(opened).value();
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "deputy.db";
  SeededRandom random_{3};
  storage::MasterKey master_ = storage::MasterKey::draw(random_);
};

// 41: entries removed, changed, reordered or added in the file: the check finds each, and so does a reader.
TEST_F(Evidence, JournalInItsFileShowsTampering) {
  {
    const auto store = open();
    for (int i = 1; i <= 6; ++i) {
      ASSERT_TRUE(
          store->write([&](Transaction& t) { return t.append(entry("act." + std::to_string(i), "con_x")); }));
    }
    // Two that share a row.
    ASSERT_TRUE(store->write([&](Transaction& t) -> Result<void> {
      DEPUTY_TRY(t.append(entry("act.7", "con_x")));
      return t.append(entry("act.8", "con_x"));
    }));
  }
  const std::string swap =
      "UPDATE journal SET last = 100, first = 100 WHERE last = 2; UPDATE journal SET last = 2, first = 2 "
      "WHERE "
      "last = 3; UPDATE journal SET last = 3, first = 3 WHERE last = 100";
  const std::string closed_up =
      "DELETE FROM journal WHERE last = 3; "
      "UPDATE journal SET last = last - 1, first = first - 1 WHERE last > 3";
  const std::string appended = "INSERT INTO journal SELECT 9, 9, entries, hash FROM journal WHERE last = 6";
  const std::vector<std::string> edits{
      "DELETE FROM journal WHERE last = 1",
      "DELETE FROM journal WHERE last = 3",
      "DELETE FROM journal WHERE last = 6",
      "DELETE FROM journal",
      closed_up,
      edited("act.4", "act.9", 4),
      edited("done", "donE", 4),
      edited("key_x", "key_y", 6),
      edited("con_x", "con_y", 8),
      "UPDATE journal SET entries = zeroblob(0) WHERE last = 4",
      "UPDATE journal SET entries = CAST(entries || zeroblob(8) AS BLOB) WHERE last = 4",
      "UPDATE journal SET entries = (SELECT entries FROM journal WHERE last = 5) WHERE last = 4",
      "UPDATE journal SET first = 8 WHERE last = 8",
      "UPDATE journal SET first = 5 WHERE last = 6",
      "UPDATE journal SET last = 9 WHERE last = 8",
      "UPDATE journal SET hash = zeroblob(32) WHERE last = 6",
      "UPDATE journal SET hash = zeroblob(3) WHERE last = 2",
      swap,
      appended,
  };
  for (const std::string& edit : edits) {
    const auto copy = folder_.path() / "edited.db";
    std::filesystem::copy_file(file_, copy, std::filesystem::copy_options::overwrite_existing);
    RawDatabase{copy}.edit(edit);
    const auto store = storage::open_sqlite({.file = copy}, master_);
    ASSERT_TRUE(store);
    const auto checked = store.value()->check_integrity({});
    ASSERT_FALSE(checked) << edit;
    EXPECT_EQ(checked.error().kind, ErrorKind::conflict) << edit;
    const auto listed = store.value()->read([](Transaction& t) -> Result<void> {
      DEPUTY_TRY(t.list_journal({}));
      return success();
    });
    EXPECT_FALSE(listed) << edit;
  }
}

// 41: what is written after a cut does not mend it.
TEST_F(Evidence, JournalDoesNotHealOverACut) {
  const auto append = [&](Store& store) {
    return store.write([&](Transaction& t) { return t.append(entry("act", "con_x")); });
  };
  {
    const auto store = open();
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(append(*store));
  }
  RawDatabase{file_}.edit("DELETE FROM journal WHERE last > 2");
  const auto store = open();
  ASSERT_TRUE(append(*store));
  EXPECT_FALSE(store->check_integrity({}));
  // Nor can one's own row stand where the next entry belongs.
  RawDatabase{file_}.edit("INSERT INTO journal SELECT 6, 6, entries, hash FROM journal WHERE last = 5");
  const auto refused = append(*store);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::internal);
}

// What the child of a crash test did for certain: one line for every acknowledged transaction.
struct Acknowledged {
  char connection[29];   // identifiers have 28 characters
  char external_id[40];  // UUIDs have 36
};

// Writes connections with their claim, issuance and journal entry until it is killed.
[[noreturn]] void write_until_killed(Store& store, const TenantId& tenant, int pipe) {
  for (int i = 0;; ++i) {
    const Connection connection = samples::connection(tenant, i);
    const auto written = store.write([&](Transaction& t) -> Result<void> {
      DEPUTY_TRY(t.claim_external_id(connection.external_id, connection.id));
      DEPUTY_TRY(t.insert(connection));
      DEPUTY_TRY(t.insert(samples::issuance(connection, i)));
      return t.append(entry("connection.created", connection.id.text()));
    });
    if (!written) ::_exit(3);
    Acknowledged line{};
    connection.id.text().copy(line.connection, sizeof line.connection - 1);
    connection.external_id.text().copy(line.external_id, sizeof line.external_id - 1);
    if (::write(pipe, &line, sizeof line) != static_cast<ssize_t>(sizeof line)) ::_exit(4);
  }
}

// 42, 43: `kill -9` at any moment: what was acknowledged is there, whole; what was not is there whole or not
// at all; no external ID twice; the journal and the inventory hold.
TEST_F(Evidence, NothingAcknowledgedIsLostByAKill) {
  const Tenant tenant = samples::tenant();
  ASSERT_TRUE(open()->write([&](Transaction& t) -> Result<void> {
    DEPUTY_TRY(t.insert(tenant));
    return t.insert(samples::integration());
  }));
  SystemRandom random;
  std::vector<Acknowledged> acknowledged;
  for (int round = 0; round < 10; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      write_until_killed(*open(), tenant.id, ends[1]);
    }
    ::close(ends[1]);
    // A random number of transactions, then a random piece of the next one.
    const auto wanted = 1 + uniform(random, 12);
    Acknowledged line{};
    for (std::uint64_t i = 0; i < wanted && ::read(ends[0], &line, sizeof line) == sizeof line; ++i)
      acknowledged.push_back(line);
    for (std::uint64_t spins = uniform(random, 2'000); spins > 0; --spins) ::getppid();
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed with " << WEXITSTATUS(status);
    while (::read(ends[0], &line, sizeof line) == sizeof line) acknowledged.push_back(line);
    ::close(ends[0]);
    ASSERT_TRUE(open()->check_integrity({}));
  }

  const auto store = open();
  ASSERT_GE(acknowledged.size(), 10U);
  std::set<std::string> external_ids, journaled;
  std::size_t connections = 0;
  const auto looked = store->read([&](Transaction& t) -> Result<void> {
    for (const Acknowledged& line : acknowledged) {
      DEPUTY_TRY(const auto found, t.find_connection(ConnectionId::parse(line.connection).value()));
      EXPECT_TRUE(found) << line.connection;
      if (found) EXPECT_EQ(found->external_id.text(), line.external_id);
    }
    PageRequest page{.limit = 200, .after = ""};
    for (;;) {
      DEPUTY_TRY(const auto listed, t.list_journal(page));
      for (const auto& each : listed.items) journaled.insert(each.entry.subject);
      if (!listed.next_cursor) break;
      page.after = *listed.next_cursor;
    }
    page.after.clear();
    for (;;) {
      DEPUTY_TRY(const auto listed, t.list_connections({}, page));
      for (const Connection& each : listed.items) {
        ++connections;
        EXPECT_TRUE(external_ids.insert(each.external_id.text()).second);
        EXPECT_TRUE(journaled.contains(each.id.text()));
        DEPUTY_TRY(const auto issued, t.list_issuances(each.id, {}));
        EXPECT_EQ(issued.items.size(), 1U);
      }
      if (!listed.next_cursor) break;
      page.after = *listed.next_cursor;
    }
    return success();
  });
  EXPECT_TRUE(looked);
  EXPECT_EQ(journaled.size(), connections);
  for (const Acknowledged& line : acknowledged) {
    EXPECT_FALSE(store->write([&](Transaction& t) {
      return t.claim_external_id(ExternalId::parse(line.external_id).value(), ConnectionId::draw(random));
    }));
  }
}

// Killed while it makes the database: what is left can be made whole by trying again.
TEST_F(Evidence, AKillWhileMakingTheDatabaseLeavesNothingBroken) {
  SystemRandom random;
  for (int round = 0; round < 10; ++round) {
    const auto file = folder_.path() / ("made-" + std::to_string(round));
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      [[maybe_unused]] const ssize_t told = ::write(ends[1], "x", 1);
      const auto store = storage::open_sqlite({.file = file, .create = true}, master_);
      ::pause();
      ::_exit(store ? 0 : 1);
    }
    char byte = 0;
    ASSERT_EQ(::read(ends[0], &byte, 1), 1);
    for (std::uint64_t spins = uniform(random, 40'000); spins > 0; --spins) ::getppid();
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ::close(ends[0]);
    ::close(ends[1]);
    const auto store = storage::open_sqlite({.file = file, .create = true}, master_);
    ASSERT_TRUE(store) << store.error().message << " " << store.error().detail;
    EXPECT_TRUE(store.value()->check_integrity({}));
  }
}

}  // namespace
}  // namespace deputy
