#include "storage/sqlite_store.hpp"

#include "support/fake_random.hpp"
#include "support/raw_database.hpp"
#include "support/registry_samples.hpp"
#include "support/temporary_folder.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/authenticated_rows.hpp"
#include "storage/rewritten_rows.hpp"
#include "storage/sqlite_transaction.hpp"

namespace deputy::storage {
namespace {

// What can be wrong with a database file, and what is said then.
class SqliteStore : public testing::Test {
 protected:
  SqliteOptions options() const {
    return {.file = file_, .create = true, .busy_timeout = std::chrono::milliseconds{0}};
  }
  SqliteOptions existing() const { return {.file = file_, .busy_timeout = std::chrono::milliseconds{0}}; }
  SqliteOptions looking() const { return {.file = file_, .read_only = true}; }
  std::unique_ptr<registry::Store> open() {
    auto opened = open_sqlite(options(), key_);
    if (!opened) throw std::runtime_error{opened.error().message + " " + opened.error().detail};
    return std::move(opened).value();
  }
  Error failure(const SqliteOptions& with) { return failure(with, key_); }
  static Error failure(const SqliteOptions& with, const MasterKey& key) {
    auto opened = open_sqlite(with, key);
    return opened ? Error{ErrorKind::internal, "it opened"} : opened.error();
  }
  static Result<void> add_tenant(registry::Store& store, const registry::Tenant& tenant) {
    return store.write([&](registry::Transaction& t) { return t.insert(tenant); });
  }
  static bool has(registry::Store& store, const registry::Tenant& tenant) {
    bool found = false;
    const auto looked = store.read([&](registry::Transaction& t) -> Result<void> {
      DEPUTY_TRY(const auto one, t.find_tenant(tenant.id));
      found = one.has_value();
      return success();
    });
    EXPECT_TRUE(looked);
    return found;
  }
  static mode_t mode_of(const std::filesystem::path& file) {
    struct stat status{};
    return ::stat(file.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "deputy.db";
  SeededRandom random_{5};
  MasterKey key_ = MasterKey::draw(random_);
};

TEST_F(SqliteStore, IsMadeOnlyWhenAskedTo) {
  EXPECT_EQ(failure(existing()).kind, ErrorKind::not_found);
  EXPECT_EQ(failure(looking()).kind, ErrorKind::not_found);
  EXPECT_FALSE(std::filesystem::exists(file_));
  const std::ofstream empty{file_};  // what a crash in the middle of making it leaves
  EXPECT_EQ(failure(existing()).kind, ErrorKind::not_found);
  open();
  EXPECT_TRUE(open_sqlite(existing(), key_));
}

TEST_F(SqliteStore, NamesAMissingFolder) {
  const auto error = failure({.file = folder_.path() / "no" / "deputy.db", .create = true});
  EXPECT_NE(error.message.find("cannot create the database"), std::string::npos);
}

// Threat 40: nobody else can read the file or what lies beside it, whatever the umask.
TEST_F(SqliteStore, KeepsItsFilesPrivate) {
  const mode_t before = ::umask(0);
  auto with_lock = options();
  with_lock.exclusive = true;
  {
    const auto store = open_sqlite(with_lock, key_);
    ASSERT_TRUE(store);
    EXPECT_TRUE(add_tenant(*store.value(), samples::tenant()));
    for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
      EXPECT_EQ(mode_of(file_.native() + suffix), 0600U) << suffix;
    }
  }
  ::chmod(file_.c_str(), 0644);  // a copy that was put back
  open();
  EXPECT_EQ(mode_of(file_), 0600U);
  ::umask(before);
}

TEST_F(SqliteStore, RefusesAnotherMasterKey) {
  open();
  const MasterKey other = MasterKey::draw(random_);
  const auto error = failure(existing(), other);
  EXPECT_NE(error.message.find("another master key"), std::string::npos) << error.message;
  EXPECT_NE(failure(looking(), other).message.find("another master key"), std::string::npos);
  EXPECT_TRUE(open_sqlite(existing(), key_));
}

TEST_F(SqliteStore, RefusesWhatIsNotItsDatabase) {
  std::ofstream{file_} << std::string(5'000, 'x');
  EXPECT_NE(failure(options()).message.find("not a database"), std::string::npos);
  std::filesystem::remove(file_);
  RawDatabase{file_}.run("CREATE TABLE other (x)");
  EXPECT_NE(failure(options()).message.find("another program's"), std::string::npos);
  EXPECT_EQ(RawDatabase{file_}.value("SELECT COUNT(*) FROM sqlite_schema"), "1");
  EXPECT_NE(failure({.file = folder_.path(), .create = true}).message.find("not a regular file"),
            std::string::npos);
}

TEST_F(SqliteStore, RefusesANewerSchemaAndChangesNothing) {
  open();
  RawDatabase{file_}.run("PRAGMA user_version = 1000");
  const auto error = failure(options());
  EXPECT_NE(error.message.find("newer Deputy (schema 1000"), std::string::npos) << error.message;
  EXPECT_EQ(RawDatabase{file_}.value("PRAGMA user_version"), "1000");
  RawDatabase{file_}.run("PRAGMA user_version = 1; PRAGMA application_id = 7");
  EXPECT_NE(failure(options()).message.find("another program's"), std::string::npos);
}

// What the first schema left: the same rows without what came later, each under the mac of that time.
void put_back_to_schema_1(const std::filesystem::path& file, const StoreKeys& keys) {
  auto connection =
      SqliteConnection::open(file, SqliteConnection::Access::read_write, std::chrono::milliseconds{0})
          .value();
  AuthenticatedRows rows{*connection, keys, AuthenticatedRows::Mode::write};
  auto scope = TransactionScope::begin(*connection, true).value();
  TableDigest& digest = rows.inventory_to_change().value()->table("connections");
  const Table& old = connections_of_schema_1();
  auto stored = rows.select(tables::connections, tables::connections.select(""), {}).value();
  for (Row& row : stored) {
    digest.remove(keys.digests, row_mac(keys, tables::connections, row));
    row.resize(old.columns().size());
    const Blob mac = row_mac(keys, old, row);
    digest.add(keys.digests, mac);
    ASSERT_TRUE(connection->run("UPDATE connections SET mac = ?2 WHERE id = ?1", {row[0], mac}));
  }
  ASSERT_TRUE(rows.finish());
  ASSERT_TRUE(scope.commit());
  RawDatabase{file}.run(
      "DROP INDEX connections_by_claim; DROP INDEX connections_by_tenant_and_integration;"
      "DROP INDEX keys_by_maker; DROP INDEX keys_narrowed_by_expiry;"
      "ALTER TABLE connections DROP COLUMN claimed_account_hash;"
      "ALTER TABLE connections DROP COLUMN account_claimed_at; PRAGMA user_version = 1");
}

TEST_F(SqliteStore, BringsAnOlderFileUpToDateWithEveryRowAuthentic) {
  const auto tenant = samples::tenant();
  auto active = samples::full_connection(tenant.id);
  active.rotation.reset();
  const auto waiting = samples::connection(tenant.id, 1);
  {
    const auto store = open();
    ASSERT_TRUE(store->write([&](registry::Transaction& t) -> Result<void> {
      DEPUTY_TRY(t.insert(tenant));
      DEPUTY_TRY(t.insert(samples::integration()));
      for (const auto& each : {active, waiting}) {
        DEPUTY_TRY(t.claim_external_id(each.external_id, each.id));
        DEPUTY_TRY(t.insert(each));
      }
      return success();
    }));
  }
  put_back_to_schema_1(file_, StoreKeys{key_});
  EXPECT_NE(failure(looking()).message.find("older Deputy"), std::string::npos);
  const auto store = open();
  EXPECT_TRUE(store->check_integrity(std::nullopt));
  ASSERT_TRUE(store->read([&](registry::Transaction& t) -> Result<void> {
    DEPUTY_TRY(const auto first, t.first_to_claim(*active.account_id));
    EXPECT_EQ(first.value().id, active.id);
    EXPECT_EQ(first.value().account_claimed_at, active.created_at);
    EXPECT_EQ(first.value().role_arn, active.role_arn);
    DEPUTY_TRY(const auto other, t.find_connection(waiting.id));
    EXPECT_FALSE(other.value().account_claimed_at);
    return success();
  }));
}

TEST_F(SqliteStore, RefusesASchemaThatWasTamperedWith) {
  for (const char* edit :
       {"DROP TRIGGER journal_entries_stay", "CREATE TABLE extra (x)", "DROP INDEX connections_due",
        "CREATE TRIGGER spy AFTER INSERT ON keys BEGIN UPDATE keys SET role = 'admin'; END",
        "ALTER TABLE tenants RENAME TO customers; CREATE VIEW tenants AS SELECT * FROM customers"}) {
    std::filesystem::remove(file_);
    open();
    RawDatabase{file_}.run(edit);
    EXPECT_NE(failure(options()).message.find("schema was tampered with"), std::string::npos) << edit;
  }
}

TEST_F(SqliteStore, ServesOneServiceAtATime) {
  auto exclusive = options();
  exclusive.exclusive = true;
  const auto first = open_sqlite(exclusive, key_);
  ASSERT_TRUE(first);
  const auto error = failure(exclusive);
  EXPECT_EQ(error.kind, ErrorKind::conflict);
  EXPECT_NE(error.message.find("deputy serve"), std::string::npos);
  // Whoever only looks, or runs one command, may come in meanwhile.
  const auto command = open_sqlite(existing(), key_);
  ASSERT_TRUE(command);
  const auto verify = open_sqlite(looking(), key_);
  ASSERT_TRUE(verify);
  const auto tenant = samples::tenant();
  EXPECT_TRUE(add_tenant(*command.value(), tenant));
  EXPECT_TRUE(has(*first.value(), tenant));
  EXPECT_TRUE(has(*verify.value(), tenant));
  EXPECT_TRUE(add_tenant(*first.value(), samples::tenant(1)));
  EXPECT_TRUE(verify.value()->check_integrity({}));
}

TEST_F(SqliteStore, IsFreeAgainOnceClosed) {
  auto exclusive = options();
  exclusive.exclusive = true;
  {
    const auto first = open_sqlite(exclusive, key_);
  }
  EXPECT_TRUE(open_sqlite(exclusive, key_));
}

TEST_F(SqliteStore, OnlyLooksWhenOpenedForReading) {
  const auto tenant = samples::tenant();
  EXPECT_TRUE(add_tenant(*open(), tenant));
  const auto store = open_sqlite(looking(), key_);
  ASSERT_TRUE(store);
  EXPECT_TRUE(has(*store.value(), tenant));
  EXPECT_FALSE(add_tenant(*store.value(), samples::tenant()));
  EXPECT_TRUE(store.value()->check_integrity({}));
}

TEST_F(SqliteStore, SaysWhenAnotherProcessHoldsIt) {
  const auto store = open();
  const auto tenant = samples::tenant();
  const auto kept = samples::tenant();
  ASSERT_TRUE(add_tenant(*store, kept));
  {
    RawDatabase other{file_};
    other.run("BEGIN IMMEDIATE");
    const auto result = add_tenant(*store, tenant);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::overloaded);
    EXPECT_TRUE(result.error().retry_after);
    EXPECT_TRUE(has(*store, kept));  // reading goes on
  }
  EXPECT_FALSE(has(*store, tenant));
  EXPECT_TRUE(add_tenant(*store, tenant));
}

// The disk fills in the middle of a transaction: SQLite gives it up by itself. What the work does after that
// must not be written piecemeal.
TEST_F(SqliteStore, WritesNothingOfAWorkThatFillsTheDisk) {
  open();
  const StoreKeys keys{key_};
  auto connection = SqliteConnection::open(file_, SqliteConnection::Access::read_write, {});
  ASSERT_TRUE(connection);
  SqliteConnection& full = *connection.value();
  const auto pages = full.number("PRAGMA page_count");
  ASSERT_TRUE(pages);
  ASSERT_TRUE(full.number("PRAGMA max_page_count = " + std::to_string(pages.value() + 2)));
  {
    auto scope = TransactionScope::begin(full, true);
    ASSERT_TRUE(scope);
    SqliteTransaction transaction{full, keys, nullptr, AuthenticatedRows::Mode::write};
    std::optional<Error> error;
    for (int i = 0; i < 1'000 && !error; ++i) {
      auto tenant = samples::tenant(i);
      tenant.name = std::string(200, 'n');
      if (auto inserted = transaction.insert(tenant); !inserted) error = inserted.error();
    }
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind, ErrorKind::overloaded);
    EXPECT_NE(error->message.find("disk is full"), std::string::npos);
    // A work that does not look at the error goes on; nothing of it may arrive.
    auto late = samples::tenant();
    late.name = "late";
    EXPECT_FALSE(transaction.insert(late) && transaction.finish() && scope.value().commit());
  }
  connection.value().reset();
  const auto store = open();
  EXPECT_EQ(RawDatabase{file_}.value("SELECT COUNT(*) FROM tenants"), "0");
  EXPECT_TRUE(store->check_integrity({}));
  EXPECT_TRUE(add_tenant(*store, samples::tenant()));
}

// The disk refuses a write under the store: a clear error, nothing half written, and on it goes afterwards.
TEST_F(SqliteStore, OutlivesADiskThatFails) {
  const auto store = open();
  const auto lost = samples::tenant();
  ASSERT_TRUE(add_tenant(*store, samples::tenant()));
  const auto signal_before = ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  struct rlimit none = before;
  none.rlim_cur = 1024;
  ::setrlimit(RLIMIT_FSIZE, &none);
  const auto result = add_tenant(*store, lost);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, signal_before);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::internal);
  EXPECT_NE(result.error().message.find("disk"), std::string::npos) << result.error().message;
  EXPECT_FALSE(has(*store, lost));
  EXPECT_TRUE(add_tenant(*store, lost));
  EXPECT_TRUE(store->check_integrity({}));
}

// What stands in the way of every write is known until a write succeeds, and an error of the work's own is
// none.
TEST_F(SqliteStore, KnowsWhetherItCanBeWritten) {
  const auto store = open();
  const auto tenant = samples::tenant();
  ASSERT_TRUE(add_tenant(*store, tenant));
  EXPECT_FALSE(add_tenant(*store, tenant));
  EXPECT_FALSE(store->write_trouble()) << "it exists already";
  {
    RawDatabase other{file_};
    other.run("BEGIN IMMEDIATE");
    EXPECT_FALSE(add_tenant(*store, samples::tenant()));
    EXPECT_FALSE(add_tenant(*store, tenant));
    ASSERT_TRUE(store->write_trouble());
    EXPECT_NE(store->write_trouble()->message.find("locked"), std::string::npos);
    EXPECT_FALSE(store->try_to_write());
    EXPECT_TRUE(has(*store, tenant)) << "it is read all the same";
    EXPECT_TRUE(store->write_trouble());
  }
  EXPECT_TRUE(store->try_to_write());
  EXPECT_FALSE(store->write_trouble());
  EXPECT_TRUE(store->check_integrity({}));
}

// As another user, since for root every file can be written.
TEST_F(SqliteStore, SaysWhenTheFileCannotBeWritten) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become someone else";
  open();
  ::chmod(folder_.path().c_str(), 0755);
  ::chmod(file_.c_str(), 0444);
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t nobody = 65534;
    if (::setresuid(nobody, nobody, nobody) != 0) ::_exit(9);
    const auto error = failure(existing());
    ::_exit(error.message.find("cannot be written: let Deputy's user write") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(SqliteStore, SaysWhenTheFileIsDamaged) {
  {
    const auto store = open();
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(add_tenant(*store, samples::tenant(i)));
  }
  std::string bytes = database_bytes(file_);
  for (std::size_t i = 4096 * 20; i < bytes.size(); ++i) bytes[i] = 'x';
  std::ofstream{file_, std::ios::binary} << bytes;
  const auto opened = open_sqlite(existing(), key_);
  if (opened) EXPECT_FALSE(opened.value()->check_integrity({}));
}

}  // namespace
}  // namespace deputy::storage
