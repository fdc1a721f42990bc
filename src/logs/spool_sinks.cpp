#include "logs/spool_state.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <system_error>

// The spool's side that sinks see.
namespace deputy::logs {
namespace {

std::uint64_t number_at(const sqlite::Row& row, std::size_t column) {
  return static_cast<std::uint64_t>(std::get<std::int64_t>(row[column]));
}

constexpr std::size_t pages_in_batch_max = 1024;
constexpr std::string_view feeding_file = "sinks.lock";

Error lock_error(int number) {
  return {ErrorKind::internal,
          "the log collector's directory cannot be used: let Deputy's user write it, or set `logs.directory`",
          std::generic_category().message(number)};
}

// At the oldest page that is there; one that there is already stays.
Result<void> make_cursor(sqlite::Connection& db, const std::string& sink) {
  DEPUTY_TRY(
      db.run("INSERT INTO sinks(name, sequence, beside, epoch) "
             "VALUES (?, (SELECT coalesce(min(sequence), 1) - 1 FROM pages), x'', 0) "
             "ON CONFLICT(name) DO NOTHING",
             {sink}));
  return success();
}

}  // namespace

Result<bool> Spool::take_feeding() {
  if (state_->options.in_memory_books) return true;
  const std::lock_guard hold{state_->writer.mutex};
  if (state_->feeding) return true;
  const auto path = state_->options.directory / feeding_file;
  FileDescriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!file) return lock_error(errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    return lock_error(errno);
  }
  state_->feeding = std::move(file);
  return true;
}

Result<SinkCursor> Spool::attach(const std::string& sink) {
  const std::lock_guard hold{state_->writer.mutex};
  sqlite::Connection& db = *state_->writer.connection;
  DEPUTY_TRY(auto transaction, sqlite::TransactionScope::begin(db, true));
  DEPUTY_TRY(make_cursor(db, sink));
  DEPUTY_TRY(db.run("UPDATE sinks SET epoch = epoch + 1 WHERE name = ?", {sink}));
  DEPUTY_TRY(const auto rows, db.query("SELECT sequence, beside, epoch FROM sinks WHERE name = ?", {sink}));
  DEPUTY_TRY(transaction.commit());
  const sqlite::Row& row = rows.at(0);
  return SinkCursor{sink, number_at(row, 0), std::get<sqlite::Blob>(row[1]).bytes, number_at(row, 2)};
}

Result<void> Spool::attach_all(const std::vector<std::string>& sinks) {
  const std::lock_guard hold{state_->writer.mutex};
  sqlite::Connection& db = *state_->writer.connection;
  DEPUTY_TRY(auto transaction, sqlite::TransactionScope::begin(db, true));
  for (const std::string& sink : sinks) {
    DEPUTY_TRY(make_cursor(db, sink));
  }
  return transaction.commit();
}

Result<std::optional<SpoolBatch>> Spool::read(std::uint64_t after, std::size_t bytes_max) {
  struct Place {
    std::uint64_t sequence, place, bytes;
    std::string file;
  };
  std::vector<Place> places;
  {
    State::Books& books = state_->reading();
    const std::lock_guard hold{books.mutex};
    std::uint64_t sum = 0;
    // Rows until the batch is full: a long queue is not read into memory to take its head.
    DEPUTY_TRY(const auto rows,
               books.connection->query(
                   "SELECT p.sequence, p.place, p.bytes, s.file FROM pages p "
                   "JOIN segments s ON s.id = p.segment WHERE p.sequence > ? "
                   "ORDER BY p.sequence LIMIT ?",
                   {static_cast<std::int64_t>(after), static_cast<std::int64_t>(pages_in_batch_max)}));
    for (const sqlite::Row& row : rows) {
      if (!places.empty() && sum + number_at(row, 2) > bytes_max) break;
      places.push_back(
          {number_at(row, 0), number_at(row, 1), number_at(row, 2), std::get<std::string>(row[3])});
      sum += places.back().bytes;
    }
  }
  if (places.empty()) return std::optional<SpoolBatch>{};
  SpoolBatch batch;
  for (const Place& place : places) {
    DEPUTY_TRY(auto bytes,
               state_->files.read(state_->options.directory / place.file, place.place, place.bytes));
    auto page = decode_page(std::move(bytes));
    if (!page) {
      return Error{ErrorKind::internal, page.error().message,
                   fmt::format("{} at {}: {}", place.file, place.place, page.error().detail)};
    }
    batch.pages.push_back({place.sequence, std::move(page).value()});
    batch.bytes += place.bytes;
  }
  return std::optional{std::move(batch)};
}

Result<void> Spool::advance(const SinkCursor& cursor) {
  const std::lock_guard hold{state_->writer.mutex};
  sqlite::Connection& db = *state_->writer.connection;
  DEPUTY_TRY(auto transaction, sqlite::TransactionScope::begin(db, true));
  DEPUTY_TRY(
      const auto changed,
      db.run("UPDATE sinks SET sequence = ?, beside = ? WHERE name = ? AND epoch = ? AND sequence <= ?",
             {static_cast<std::int64_t>(cursor.sequence), sqlite::Blob{cursor.beside}, cursor.sink,
              static_cast<std::int64_t>(cursor.epoch), static_cast<std::int64_t>(cursor.sequence)}));
  if (changed != 1)
    return Error{ErrorKind::conflict, "another process feeds the sink " + in_backticks(cursor.sink) + " now"};
  DEPUTY_TRY(transaction.commit());
  return state_->free_passed(db);
}

Result<void> Spool::detach(const std::string& sink) {
  const std::lock_guard hold{state_->writer.mutex};
  sqlite::Connection& db = *state_->writer.connection;
  DEPUTY_TRY(db.run("DELETE FROM sinks WHERE name = ?", {sink}));
  return state_->free_passed(db);
}

// Segments without a page that any sink still needs, and that nobody appends to: ended ones, and those whose
// process is gone without having ended them.
Result<std::vector<sqlite::Row>> Spool::State::passed_segments(sqlite::Connection& db) {
  DEPUTY_TRY(auto rows, db.query("SELECT id, file, open FROM segments s WHERE NOT EXISTS "
                                 "(SELECT 1 FROM pages p WHERE p.segment = s.id)",
                                 {}));
  std::vector<sqlite::Row> passed;
  for (sqlite::Row& row : rows) {
    const bool open = number_at(row, 2) != 0;
    const bool ours = segment && std::get<std::int64_t>(row[0]) == segment_id;
    if (open && ours) continue;
    if (open) {
      DEPUTY_TRY(const bool left, files.is_left(options.directory / std::get<std::string>(row[1])));
      if (!left) continue;
    }
    passed.push_back(std::move(row));
  }
  return passed;
}

// Removes what every sink has. A file that could not be removed is tried again with the next start.
Result<void> Spool::State::free_passed(sqlite::Connection& db) {
  DEPUTY_TRY(auto transaction, sqlite::TransactionScope::begin(db, true));
  // A full spool takes no page, so the segment that is being written would never end by itself.
  const bool end_segment = segment && bytes >= options.bytes_max;
  if (end_segment) {
    DEPUTY_TRY(db.run("UPDATE segments SET open = 0 WHERE id = ?", {segment_id}));
  }
  DEPUTY_TRY(db.run("DELETE FROM pages WHERE sequence <= (SELECT min(sequence) FROM sinks)", {}));
  DEPUTY_TRY(const auto passed, passed_segments(db));
  for (const sqlite::Row& row : passed) {
    DEPUTY_TRY(db.run("DELETE FROM segments WHERE id = ?", {row[0]}));
  }
  DEPUTY_TRY(transaction.commit());
  if (end_segment) segment.reset();
  for (const sqlite::Row& row : passed) {
    DEPUTY_TRY(files.remove(options.directory / std::get<std::string>(row[1])));
  }
  if (passed.empty()) return success();
  return note_bytes(db);
}

Result<std::vector<SinkLag>> Spool::sinks() {
  State::Books& books = state_->reading();
  const std::lock_guard hold{books.mutex};
  DEPUTY_TRY(const auto rows,
             books.connection->query("SELECT name, sequence, (SELECT coalesce(sum(bytes), 0) FROM pages p "
                                     "WHERE p.sequence > s.sequence) FROM sinks s ORDER BY name",
                                     {}));
  std::vector<SinkLag> sinks;
  sinks.reserve(rows.size());
  for (const sqlite::Row& row : rows)
    sinks.push_back({std::get<std::string>(row[0]), number_at(row, 1), number_at(row, 2)});
  return sinks;
}

}  // namespace deputy::logs
