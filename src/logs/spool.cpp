#include "logs/spool.hpp"

#include "logs/spool_state.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>

#include "core/assert.hpp"

namespace deputy::logs {
namespace {

constexpr std::chrono::milliseconds busy_timeout{10'000};
constexpr std::string_view books_file = "spool.db";
constexpr std::string_view lock_file = "spool.lock";
constexpr std::int64_t schema_version = 1;

constexpr const char* tables = R"(
CREATE TABLE segments(id INTEGER PRIMARY KEY AUTOINCREMENT, file TEXT NOT NULL, bytes INTEGER NOT NULL, open INTEGER NOT NULL);
CREATE TABLE pages(sequence INTEGER PRIMARY KEY AUTOINCREMENT, segment INTEGER NOT NULL, place INTEGER NOT NULL,
                   bytes INTEGER NOT NULL, events INTEGER NOT NULL);
CREATE INDEX pages_by_segment ON pages(segment);
CREATE TABLE sinks(name TEXT PRIMARY KEY, sequence INTEGER NOT NULL, beside BLOB NOT NULL, epoch INTEGER NOT NULL);
CREATE TABLE leases(name TEXT PRIMARY KEY, holder TEXT NOT NULL, epoch INTEGER NOT NULL, until INTEGER NOT NULL);
CREATE INDEX leases_by_holder ON leases(holder);
CREATE TABLE sources(id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, connection TEXT NOT NULL,
                     account TEXT NOT NULL, region TEXT NOT NULL, log_group TEXT NOT NULL, arn TEXT NOT NULL,
                     status TEXT NOT NULL, high_water INTEGER NOT NULL, rescanned TEXT NOT NULL,
                     window_begin INTEGER, window_end INTEGER, window_begun INTEGER, window_done INTEGER,
                     window_token TEXT, window_token_at INTEGER, window_pages INTEGER, window_found INTEGER,
                     group_created INTEGER NOT NULL, recreations INTEGER NOT NULL, events INTEGER NOT NULL,
                     message_bytes INTEGER NOT NULL, polls INTEGER NOT NULL, rescans INTEGER NOT NULL,
                     rescan_events INTEGER NOT NULL, last_success INTEGER, error_code TEXT, error_message TEXT,
                     error_at INTEGER, revision INTEGER NOT NULL, UNIQUE(connection, arn));
CREATE TABLE seen(id INTEGER PRIMARY KEY, source INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
                  events INTEGER NOT NULL, identities BLOB NOT NULL);
CREATE INDEX seen_by_time ON seen(source, last, first, events);
)";

Error folder_error(const std::filesystem::path& folder, const std::error_code& error) {
  return {ErrorKind::internal,
          "the log collector's directory " + in_backticks(folder.string()) +
              " cannot be used: let Deputy's user write it, or set `logs.directory`",
          error.message()};
}

}  // namespace

Result<std::unique_ptr<Spool>> Spool::open(Options options, Files& files) {
  auto state = std::make_unique<State>(std::move(options), files);
  DEPUTY_TRY(state->open());
  return std::unique_ptr<Spool>{new Spool{std::move(state)}};
}

Spool::Spool(std::unique_ptr<State> state) : state_(std::move(state)) {}
Spool::~Spool() = default;

Result<void> Spool::State::open() {
  if (!options.in_memory_books) {
    std::error_code error;
    std::filesystem::create_directories(options.directory, error);
    if (error) return folder_error(options.directory, error);
    std::filesystem::permissions(options.directory, std::filesystem::perms::owner_all, error);
    if (error) return folder_error(options.directory, error);
    const auto file = options.directory / books_file;
    const FileDescriptor made{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (!made) return folder_error(options.directory, {errno, std::generic_category()});
    const auto lock = options.directory / lock_file;
    alone = FileDescriptor{::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (!alone) return folder_error(options.directory, {errno, std::generic_category()});
  }
  const auto file = options.in_memory_books ? std::filesystem::path{} : options.directory / books_file;
  DEPUTY_TRY(writer.connection,
             sqlite::Connection::open(file, sqlite::Connection::Access::read_write, busy_timeout));
  sqlite::Connection& db = *writer.connection;
  // Identities of events are no secret: no need to overwrite them when they are forgotten.
  DEPUTY_TRY(db.execute("PRAGMA journal_mode = WAL; PRAGMA secure_delete = OFF;"));
  DEPUTY_TRY(make_tables(db));
  if (!options.in_memory_books) {
    DEPUTY_TRY(reader.connection,
               sqlite::Connection::open(file, sqlite::Connection::Access::read_write, busy_timeout));
    // Alone: whoever wrote the segments that are there is gone. Others may come from now on.
    if (::flock(alone.get(), LOCK_EX | LOCK_NB) == 0) {
      DEPUTY_TRY(leave_behind_old_segments(db));
    }
    if (::flock(alone.get(), LOCK_SH) != 0)
      return folder_error(options.directory, {errno, std::generic_category()});
  } else {
    DEPUTY_TRY(leave_behind_old_segments(db));
  }
  DEPUTY_TRY(note_bytes(db));
  return note_last(db);
}

// The last number that was given: its page may be gone already.
Result<void> Spool::State::note_last(sqlite::Connection& db) {
  DEPUTY_TRY(const auto last,
             db.number("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'pages'), 0)"));
  last_sequence = static_cast<std::uint64_t>(last);
  return success();
}

Result<void> Spool::State::make_tables(sqlite::Connection& db) {
  DEPUTY_TRY(auto transaction, sqlite::TransactionScope::begin(db, true));
  DEPUTY_TRY(const auto version, db.number("PRAGMA user_version"));
  if (version == 0) {
    DEPUTY_TRY(db.execute(tables));
    DEPUTY_TRY(db.execute(fmt::format("PRAGMA user_version = {}", schema_version)));
  } else if (version != schema_version) {
    return Error{
        ErrorKind::internal,
        fmt::format("the log collector's spool has the form {}, and this Deputy knows {}: run the one "
                    "that wrote it, or set another `logs.directory`",
                    version, schema_version)};
  }
  return transaction.commit();
}

// Nobody appends to the segments of processes that are gone. What lies beyond their last page is torn, and
// files that no row names were never committed.
Result<void> Spool::State::leave_behind_old_segments(sqlite::Connection& db) {
  DEPUTY_TRY(db.run("UPDATE segments SET open = 0", {}));
  DEPUTY_TRY(db.run("UPDATE leases SET until = 0", {}));  // nor holds any of them a lease
  DEPUTY_TRY(const auto rows, db.query("SELECT file FROM segments", {}));
  DEPUTY_TRY(const auto names, files.list(options.directory));
  for (const std::string& name : names) {
    if (name.starts_with(holder_prefix) && name.ends_with(holder_suffix)) {
      DEPUTY_TRY(files.remove(options.directory / name));
    }
    if (!name.ends_with(".segment")) continue;
    const bool known = std::ranges::any_of(
        rows, [&](const sqlite::Row& row) { return std::get<std::string>(row[0]) == name; });
    if (!known) {
      DEPUTY_TRY(files.remove(options.directory / name));
    }
  }
  return free_passed(db);
}

Result<void> Spool::State::note_bytes(sqlite::Connection& db) {
  DEPUTY_TRY(const auto sum, db.number("SELECT coalesce(sum(bytes), 0) FROM segments"));
  bytes = static_cast<std::uint64_t>(sum);
  return success();
}

// ── Committing ──

Result<bool> Spool::State::holds(sqlite::Connection& db, const Lease& lease) {
  DEPUTY_TRY(const auto rows, db.query("SELECT epoch FROM leases WHERE name = ?", {lease.name}));
  return rows.size() == 1 && std::get<std::int64_t>(rows[0][0]) == static_cast<std::int64_t>(lease.epoch);
}

// What was appended but not committed, or not wholly appended: never read. The next page begins a new file.
void Spool::State::give_segment_up() {
  segment.reset();
  segment_id = committed_segment_id;  // a number that was rolled back may become another process's
  unsynced = false;
}

Result<void> Spool::State::roll(sqlite::Connection& db) {
  if (segment_id != 0) {
    DEPUTY_TRY(db.run("UPDATE segments SET open = 0 WHERE id = ?", {segment_id}));
  }
  DEPUTY_TRY(db.run("INSERT INTO segments(file, bytes, open) VALUES ('', 0, 1)", {}));
  DEPUTY_TRY(const auto id, db.number("SELECT last_insert_rowid()"));
  const std::string name = fmt::format("{:012}.segment", id);
  // The number may have been given before, to a segment that no commit named.
  DEPUTY_TRY(files.remove(options.directory / name));
  DEPUTY_TRY(db.run("UPDATE segments SET file = ? WHERE id = ?", {name, id}));
  if (segment && unsynced) {
    DEPUTY_TRY(segment->sync());
  }
  DEPUTY_TRY(segment, files.create(options.directory / name));
  segment_id = id;
  segment_length = 0;
  unsynced = false;
  return success();
}

Result<void> Spool::State::write_page(sqlite::Connection& db, std::span<const char> page,
                                      std::uint64_t events) {
  if (!segment || segment_length >= options.segment_bytes) {
    DEPUTY_TRY(roll(db));
  }
  unsynced = true;
  DEPUTY_TRY(segment->append({page.data(), page.size()}));
  const auto size = static_cast<std::int64_t>(page.size());
  DEPUTY_TRY(db.run(
      "INSERT INTO pages(segment, place, bytes, events) VALUES (?, ?, ?, ?)",
      {segment_id, static_cast<std::int64_t>(segment_length), size, static_cast<std::int64_t>(events)}));
  DEPUTY_TRY(db.run("UPDATE segments SET bytes = bytes + ? WHERE id = ?", {size, segment_id}));
  segment_length += page.size();
  return success();
}

Result<std::vector<Result<void>>> Spool::State::commit(std::span<const SourceCommit> commits) {
  sqlite::Connection& db = *writer.connection;
  DEPUTY_TRY(auto transaction, sqlite::TransactionScope::begin(db, true));
  std::vector<Result<void>> outcomes;
  outcomes.reserve(commits.size());
  for (const SourceCommit& each : commits) {
    if (each.source != SourceId{}) {  // none: a page that belongs to no source
      DEPUTY_TRY(const bool ours, holds(db, each.lease));
      if (!ours) {
        outcomes.emplace_back(
            Error{ErrorKind::conflict, "another process collects from this account and Region now"}
                .with_field("lease"));
        continue;
      }
      DEPUTY_TRY(const bool current, update_progress(db, each.source, each.progress));
      if (!current) {
        outcomes.emplace_back(
            Error{ErrorKind::conflict, "the source was written meanwhile"}.with_field("source"));
        continue;
      }
      DEPUTY_TRY(write_seen(db, each));
    }
    if (!each.page.empty()) {
      DEPUTY_TRY(write_page(db, each.page, each.events));
    }
    outcomes.emplace_back(success());
  }
  // Before the rows that name the pages can be.
  if (unsynced) {
    DEPUTY_TRY(segment->sync());
  }
  unsynced = false;
  DEPUTY_TRY(transaction.commit());
  committed_segment_id = segment_id;
  return outcomes;
}

Result<std::vector<Result<void>>> Spool::commit(std::span<const SourceCommit> commits) {
  Result<std::vector<Result<void>>> outcomes = std::vector<Result<void>>{};
  bool pages = false;
  {
    const std::lock_guard hold{state_->writer.mutex};
    outcomes = state_->commit(commits);
    if (!outcomes) {
      state_->give_segment_up();
    } else {
      sqlite::Connection& db = *state_->writer.connection;
      for (const SourceCommit& each : commits) pages = pages || !each.page.empty();
      if (pages) {
        // Only what is watched: the commit stands whatever these say.
        [[maybe_unused]] const auto last = state_->note_last(db);
        [[maybe_unused]] const auto bytes = state_->note_bytes(db);
      }
    }
  }
  if (pages) state_->wake();
  return outcomes;
}

Result<void> Spool::append(const Origin& origin, const std::vector<Record>& records) {
  SourceCommit commit;
  encode_page(origin, records, commit.page);
  commit.events = records.size();
  DEPUTY_TRY(auto outcomes, this->commit({&commit, 1}));
  return std::move(outcomes.front());
}

void Spool::State::wake() const {
  const std::lock_guard hold{wake_mutex};
  if (on_commit) on_commit();
}

void Spool::on_commit(std::function<void()> wake) {
  const std::lock_guard hold{state_->wake_mutex};
  state_->on_commit = std::move(wake);
}

bool Spool::full() const {
  return state_->bytes >= state_->options.bytes_max;
}
std::uint64_t Spool::bytes() const {
  return state_->bytes;
}
std::uint64_t Spool::bytes_max() const {
  return state_->options.bytes_max;
}
std::uint64_t Spool::last_sequence() const {
  return state_->last_sequence;
}

}  // namespace deputy::logs
