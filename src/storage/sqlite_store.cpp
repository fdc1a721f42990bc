#include "storage/sqlite_store.hpp"

#include "sqlite/log_checkpointer.hpp"

#include <array>
#include <cerrno>
#include <condition_variable>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <utility>
#include <vector>

#include "core/assert.hpp"
#include "core/file_descriptor.hpp"
#include "storage/directory_sync.hpp"
#include "storage/integrity.hpp"
#include "storage/issuance_places.hpp"
#include "storage/issuance_table.hpp"
#include "storage/migrations.hpp"
#include "storage/sqlite_transaction.hpp"

namespace deputy::storage {

namespace {

namespace fs = std::filesystem;

constexpr mode_t private_mode = S_IRUSR | S_IWUSR;
constexpr std::size_t readers_max = 4;

Error file_error(const fs::path& file, std::string_view doing, int code) {
  return Error{ErrorKind::internal, fmt::format("cannot {} {}: {}", doing, in_backticks(file.native()),
                                                std::generic_category().message(code))};
}

Result<void> make_file(const fs::path& file) {
  const FileDescriptor made{::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, private_mode)};
  if (!made)
    return errno == EEXIST ? Result<void>{success()} : file_error(file, "create the database", errno);
  if (!sync_directory_of(file)) return file_error(file, "sync the folder of the database", errno);
  return success();
}

// A restored copy often comes back readable to all. What SQLite makes beside the file takes the file's mode.
void keep_private(const fs::path& file) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    fs::path name = file;
    name += suffix;
    struct stat status{};
    if (::stat(name.c_str(), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) [[maybe_unused]]
      const int result = ::chmod(name.c_str(), private_mode);  // not the owner: as it is
  }
}

Result<FileDescriptor> take_lock(const fs::path& file) {
  fs::path name = file;
  name += ".lock";
  FileDescriptor lock{::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, private_mode)};
  if (!lock) return file_error(name, "open the lock file", errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return Error{
          ErrorKind::conflict,
          fmt::format("another `deputy serve` runs on the database {}: stop it first, or give this one "
                      "another `storage.url`",
                      in_backticks(file.native()))};
    return file_error(name, "lock", errno);
  }
  return lock;
}

// ── What says that the master key is the right one ─────────────────────────────────────────────────────────

constexpr std::string_view key_check_name = "key_check";
constexpr std::string_view key_check_text = "sealed with this master key";
constexpr SealedPlace key_check_place{
    .table = "meta", .column = "value", .row = key_check_name, .connection = "", .tenant = ""};

Result<void> check_key(SqliteConnection& connection, const StoreKeys& keys) {
  static const std::string sql = "SELECT value FROM meta WHERE name = ?1";
  DEPUTY_TRY(const auto rows, connection.query(sql, {std::string{key_check_name}}));
  const Blob* sealed = rows.size() == 1 ? std::get_if<Blob>(&rows[0][0]) : nullptr;
  if (sealed == nullptr)
    return Error{ErrorKind::internal, "the database was tampered with: its key check is gone"};
  if (keys.sealer.open(*sealed, key_check_place)) return success();
  return Error{ErrorKind::internal,
               "the database was sealed with another master key: give the one that it was made with "
               "(`security.master_key_file`)"};
}

// The schema and the first rows, all in one transaction: a crash leaves an empty file or a whole database.
Result<void> fill_new(SqliteConnection& connection, const StoreKeys& keys) {
  DEPUTY_TRY(TransactionScope scope, TransactionScope::begin(connection, true));
  DEPUTY_TRY(const int schema, schema_of(connection));
  if (schema != 0) return success();  // another process was faster
  DEPUTY_TRY(migrate(connection, 0, &keys));
  Inventory empty;
  DEPUTY_TRY(empty.save(connection, keys.sealer));
  AuthenticatedRows rows{connection, keys, AuthenticatedRows::Mode::write};
  DEPUTY_TRY(rows.insert(tables::meta,
                         {std::string{key_check_name}, keys.sealer.seal(key_check_text, key_check_place)}));
  DEPUTY_TRY(rows.finish());
  return scope.commit();
}

Result<void> bring_up_to_date(SqliteConnection& connection, const StoreKeys& keys) {
  DEPUTY_TRY(TransactionScope scope, TransactionScope::begin(connection, true));
  DEPUTY_TRY(const int schema, schema_of(connection));
  if (schema == newest_schema()) return success();
  DEPUTY_TRY(migrate(connection, schema, &keys));
  return scope.commit();
}

Result<void> use_write_ahead_log(SqliteConnection& connection) {
  static const std::string sql = "PRAGMA journal_mode = WAL";
  DEPUTY_TRY(const auto rows, connection.query(sql, {}));
  if (rows.size() == 1 && rows[0][0] == Value{std::string{"wal"}}) return success();
  return Error{ErrorKind::internal,
               "the database's folder does not allow a write-ahead log: use a local file system"};
}

// Schema and key are right, or an error says what is not.
Result<void> prepare(SqliteConnection& connection, const StoreKeys& keys, const SqliteOptions& options) {
  DEPUTY_TRY(const int schema, schema_of(connection));
  if (schema == 0 && !options.create)
    return Error{ErrorKind::not_found, fmt::format("the database {} is empty: `deputy init` fills it",
                                                   in_backticks(options.file.native()))};
  if (!options.read_only) {
    DEPUTY_TRY(use_write_ahead_log(connection));
    if (schema == 0) {
      DEPUTY_TRY(fill_new(connection, keys));
    } else if (schema < newest_schema()) {
      DEPUTY_TRY(check_key(connection, keys));
      DEPUTY_TRY(bring_up_to_date(connection, keys));
    }
  } else if (schema < newest_schema()) {
    return Error{ErrorKind::conflict,
                 "the database was made by an older Deputy: start `deputy serve` once, it "
                 "brings the file up to date"};
  }
  DEPUTY_TRY(const auto difference, schema_difference(connection));
  if (difference)
    return Error{ErrorKind::internal, "the database's schema was tampered with: " + *difference};
  DEPUTY_TRY(check_key(connection, keys));
  DEPUTY_TRY(const Inventory inventory, Inventory::load(connection, keys.sealer));
  return success();
}

// ── Connections for reading ────────────────────────────────────────────────────────────────────────────────

// A few connections, opened when first wanted; who finds none free waits. Thread-safe.
class ReaderPool {
 public:
  ReaderPool(fs::path file, const SqliteOptions& options)
      : file_(std::move(file)), read_only_(options.read_only), busy_timeout_(options.busy_timeout) {}

  class Lease {
   public:
    Lease(ReaderPool& pool, std::unique_ptr<SqliteConnection> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_) pool_->give_back(std::move(connection_));
    }
    SqliteConnection& operator*() { return *connection_; }

   private:
    ReaderPool* pool_;
    std::unique_ptr<SqliteConnection> connection_;
  };

  Result<Lease> take() {
    std::unique_lock lock{mutex_};
    given_back_.wait(lock, [this] { return !idle_.empty() || opened_ < readers_max; });
    if (!idle_.empty()) {
      Lease lease{*this, std::move(idle_.back())};
      idle_.pop_back();
      return lease;
    }
    ++opened_;
    lock.unlock();
    auto connection = open();
    if (connection) return Lease{*this, std::move(connection).value()};
    lock.lock();
    --opened_;
    given_back_.notify_one();
    return connection.error();
  }

 private:
  Result<std::unique_ptr<SqliteConnection>> open() {
    const auto access =
        read_only_ ? SqliteConnection::Access::read_only : SqliteConnection::Access::read_write;
    DEPUTY_TRY(auto connection, SqliteConnection::open(file_, access, busy_timeout_));
    DEPUTY_TRY(connection->execute("PRAGMA query_only = ON"));
    return connection;
  }
  void give_back(std::unique_ptr<SqliteConnection> connection) {
    const std::lock_guard lock{mutex_};
    idle_.push_back(std::move(connection));
    given_back_.notify_one();
  }

  const fs::path file_;
  const bool read_only_;
  const std::chrono::milliseconds busy_timeout_;
  std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<SqliteConnection>> idle_;
  std::size_t opened_ = 0;
};

class SqliteStore final : public registry::Store {
 public:
  // `writer` is null in a store that only reads.
  SqliteStore(const SqliteOptions& options, StoreKeys keys, FileDescriptor lock,
              std::unique_ptr<SqliteConnection> writer, std::unique_ptr<SqliteConnection> for_checkpoints)
      : keys_(std::move(keys)),
        lock_(std::move(lock)),
        writer_(std::move(writer)),
        readers_(options.file, options) {
    if (for_checkpoints)
      checkpointer_.emplace(std::move(for_checkpoints), *writer_, sqlite::LogCheckpointer::Limits{});
  }

  // Reads what the store holds in memory.
  Result<void> load() {
    if (!writer_) return success();
    DEPUTY_TRY(const TransactionScope scope, TransactionScope::begin(*writer_, false));
    return look_for_foreign_writes();
  }

  Result<void> write(const std::function<Result<void>(registry::Transaction&)>& work) override {
    if (!writer_) return Error{ErrorKind::internal, "the database was opened for reading only"};
    const std::lock_guard lock{writing_};
    return ended(write_in_turn(work));
  }

  std::optional<Error> write_trouble() const override {
    const std::lock_guard lock{trouble_mutex_};
    return trouble_;
  }

  // The inventory, which every write has in it.
  Result<void> try_to_write() override {
    if (!writer_) return Error{ErrorKind::internal, "the database was opened for reading only"};
    const std::lock_guard lock{writing_};
    const auto save = [this]() -> Result<void> {
      DEPUTY_TRY(TransactionScope scope, TransactionScope::begin(*writer_, true));
      DEPUTY_TRY(Inventory inventory, Inventory::load(*writer_, keys_.sealer));
      DEPUTY_TRY(inventory.save(*writer_, keys_.sealer));
      return scope.commit();
    };
    return ended(save());
  }

  void add_listener(registry::WriteListener& listener) override {
    const std::lock_guard lock{writing_};
    listeners_.push_back(&listener);
  }
  void remove_listener(registry::WriteListener& listener) override {
    const std::lock_guard lock{writing_};
    std::erase(listeners_, &listener);
  }

  Result<void> read(const std::function<Result<void>(registry::Transaction&)>& work) override {
    DEPUTY_TRY(auto reader, readers_.take());
    DEPUTY_TRY(const TransactionScope scope, TransactionScope::begin(*reader, false));
    SqliteTransaction transaction{*reader, keys_, writer_ ? &places_ : nullptr,
                                  AuthenticatedRows::Mode::read};
    return work(transaction);
  }

  Result<journal::Checkpoint> check_integrity(const std::optional<journal::Checkpoint>& checkpoint) override {
    DEPUTY_TRY(auto reader, readers_.take());
    return storage::check_integrity(*reader, keys_, checkpoint);
  }

 private:
  Result<void> write_in_turn(const std::function<Result<void>(registry::Transaction&)>& work) {
    DEPUTY_TRY(TransactionScope scope, TransactionScope::begin(*writer_, true));
    DEPUTY_TRY(look_for_foreign_writes());
    SqliteTransaction transaction{*writer_, keys_, &places_, AuthenticatedRows::Mode::write};
    const auto written = carry_out(scope, transaction, work);
    // Also when it failed: a commit that cannot say how it ended may have been one.
    if (!transaction.touched().empty()) tell(transaction.touched());
    return written;
  }

  // After each write, whatever it was for: the log is bounded by all of them.
  Result<void> ended(Result<void> written) {
    note_outcome(written);
    if (checkpointer_) checkpointer_->committed();
    return written;
  }

  // An error of the work's own says nothing of the file: what is known stays.
  void note_outcome(const Result<void>& written) {
    const std::lock_guard lock{trouble_mutex_};
    if (written)
      trouble_.reset();
    else if (sqlite::stands_in_the_way(written.error()))
      trouble_ = written.error();
  }

  static Result<void> carry_out(TransactionScope& scope, SqliteTransaction& transaction,
                                const std::function<Result<void>(registry::Transaction&)>& work) {
    DEPUTY_TRY(work(transaction));
    DEPUTY_TRY(transaction.finish());
    DEPUTY_TRY(scope.commit());
    transaction.committed();
    return success();
  }

  void tell(const registry::Touched& what) {
    for (registry::WriteListener* each : listeners_) each->touched(what);
  }

  // The number changes when another connection wrote, never by our own writes: ours all go through `writer_`.
  // https://www.sqlite.org/pragma.html#pragma_data_version
  Result<void> look_for_foreign_writes() {
    static const std::string sql = "PRAGMA data_version";
    DEPUTY_TRY(const std::int64_t version, writer_->number(sql));
    if (data_version_ == version) return success();
    tell({.everything = true});
    AuthenticatedRows rows{*writer_, keys_, AuthenticatedRows::Mode::read};
    // A row that was edited is a finding of whoever reads it, not a reason to stop the service.
    if (!load_places(rows, places_)) places_.lose();
    data_version_ = version;
    return success();
  }

  const StoreKeys keys_;
  const FileDescriptor lock_;
  mutable std::mutex trouble_mutex_;
  std::optional<Error> trouble_;
  std::mutex writing_;
  const std::unique_ptr<SqliteConnection> writer_;
  std::vector<registry::WriteListener*> listeners_;
  IssuancePlaces places_;
  std::optional<std::int64_t> data_version_;  // as of the last write
  ReaderPool readers_;
  std::optional<sqlite::LogCheckpointer> checkpointer_;  // uses the writer, so it ends first
};

}  // namespace

Result<std::unique_ptr<registry::Store>> open_sqlite(const SqliteOptions& options, const MasterKey& key) {
  DEPUTY_ASSERT(sodium_init() >= 0);
  DEPUTY_ASSERT(!options.read_only || (!options.create && !options.exclusive));
  struct stat status{};
  if (::stat(options.file.c_str(), &status) != 0) {
    if (errno != ENOENT) return file_error(options.file, "look at the database", errno);
    if (!options.create)
      return Error{ErrorKind::not_found, fmt::format("there is no database {}: `deputy init` makes one",
                                                     in_backticks(options.file.native()))};
    DEPUTY_TRY(make_file(options.file));
  } else if (!S_ISREG(status.st_mode)) {
    return Error{ErrorKind::internal,
                 fmt::format("the database {} is not a regular file", in_backticks(options.file.native()))};
  }
  FileDescriptor lock;
  if (options.exclusive) {
    DEPUTY_TRY(lock, take_lock(options.file));
  }
  if (!options.read_only) keep_private(options.file);
  StoreKeys keys{key};
  const auto access =
      options.read_only ? SqliteConnection::Access::read_only : SqliteConnection::Access::read_write;
  DEPUTY_TRY(auto connection, SqliteConnection::open(options.file, access, options.busy_timeout));
  DEPUTY_TRY(prepare(*connection, keys, options));
  if (options.read_only) connection.reset();
  // A command that writes once or twice needs none; SQLite moves its log by itself.
  std::unique_ptr<SqliteConnection> for_checkpoints;
  if (options.exclusive) {
    DEPUTY_TRY(for_checkpoints, SqliteConnection::open(options.file, access, options.busy_timeout));
  }
  auto store = std::make_unique<SqliteStore>(options, std::move(keys), std::move(lock), std::move(connection),
                                             std::move(for_checkpoints));
  DEPUTY_TRY(store->load());
  return std::unique_ptr<registry::Store>{std::move(store)};
}

Result<fs::path> parse_sqlite_url(std::string_view url, const fs::path& base) {
  constexpr std::string_view scheme = "sqlite:";
  // Not repeated: it may hold a password.
  if (url.starts_with("postgresql:") || url.starts_with("postgres:"))
    return Error{ErrorKind::invalid_request,
                 "PostgreSQL is not in this version of Deputy; it keeps a SQLite file: `sqlite:deputy.db` or "
                 "`sqlite:/var/lib/deputy/deputy.db`"};
  const bool usable = url.starts_with(scheme) && url.size() > scheme.size() &&
                      url.find('\0') == std::string_view::npos &&
                      !url.substr(scheme.size()).starts_with("//");
  if (!usable)
    return Error{ErrorKind::invalid_request, in_backticks(url) +
                                                 " is not a storage URL: it looks like `sqlite:deputy.db` or "
                                                 "`sqlite:/var/lib/deputy/deputy.db`"};
  return (base / fs::path{url.substr(scheme.size())}).lexically_normal();
}

}  // namespace deputy::storage
