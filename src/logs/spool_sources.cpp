#include "logs/spool_state.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

// The spool's side that the collector sees: sources, what was seen of them, leases.
namespace deputy::logs {
namespace {

using sqlite::Blob;
using sqlite::Row;
using sqlite::Value;

// Below what SQLite is told to take at most.
constexpr std::size_t identities_per_row_max = 200'000;
constexpr std::size_t identity_bytes = 16;

Value optional_time(const std::optional<EventTime>& time) {
  if (!time) return std::monostate{};
  return milliseconds_of(*time);
}

std::string times_text(const std::vector<EventTime>& times) {
  std::string text;
  for (const EventTime time : times) {
    if (!text.empty()) text += ",";
    text += std::to_string(milliseconds_of(time));
  }
  return text;
}

Result<std::vector<EventTime>> read_times(std::string_view text) {
  std::vector<EventTime> times;
  while (!text.empty()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{})
      return Error{ErrorKind::internal, "the log collector's books are damaged", "rescan times"};
    times.push_back(event_time(number));
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with(",")) text.remove_prefix(1);
  }
  return times;
}

// Values of a row, one after the other; a value of another type than expected marks the row as broken.
class RowReader {
 public:
  explicit RowReader(const Row& row) : row_(row) {}
  std::int64_t number() {
    if (const auto* value = std::get_if<std::int64_t>(&next())) return *value;
    broken_ = true;
    return 0;
  }
  std::uint64_t count() { return static_cast<std::uint64_t>(number()); }
  EventTime time() { return event_time(number()); }
  std::string text() {
    if (const auto* value = std::get_if<std::string>(&next())) return *value;
    broken_ = true;
    return {};
  }
  bool next_is_null() const { return at_ < row_.size() && std::holds_alternative<std::monostate>(row_[at_]); }
  void skip(std::size_t count) { at_ += count; }
  bool broken() const { return broken_ || at_ != row_.size(); }

 private:
  const Value& next() {
    static const Value none;
    return at_ < row_.size() ? row_[at_++] : none;
  }
  const Row& row_;
  std::size_t at_ = 0;
  bool broken_ = false;
};

std::optional<OpenWindow> read_window(RowReader& reader) {
  constexpr std::size_t columns = 8;
  if (reader.next_is_null()) {
    reader.skip(columns);
    return std::nullopt;
  }
  OpenWindow window;
  window.begin = reader.time();
  window.end = reader.time();
  window.begun = reader.time();
  window.done_end = reader.time();
  window.next_token = reader.text();
  window.token_at = reader.time();
  window.pages = static_cast<std::uint32_t>(reader.number());
  window.found = reader.count();
  return window;
}

Row progress_row(const SourceProgress& progress) {
  Row row{std::string{to_text(progress.status)}, milliseconds_of(progress.high_water),
          times_text(progress.rescanned)};
  if (const auto& window = progress.window) {
    row.insert(row.end(),
               {milliseconds_of(window->begin), milliseconds_of(window->end), milliseconds_of(window->begun),
                milliseconds_of(window->done_end), window->next_token, milliseconds_of(window->token_at),
                std::int64_t{window->pages}, static_cast<std::int64_t>(window->found)});
  } else {
    row.insert(row.end(), 8, std::monostate{});
  }
  row.insert(row.end(),
             {milliseconds_of(progress.group_created), std::int64_t{progress.recreations},
              static_cast<std::int64_t>(progress.events), static_cast<std::int64_t>(progress.message_bytes),
              static_cast<std::int64_t>(progress.polls), static_cast<std::int64_t>(progress.rescans),
              static_cast<std::int64_t>(progress.rescan_events), optional_time(progress.last_success)});
  if (const auto& error = progress.last_error) {
    row.insert(row.end(), {error->code, error->message, milliseconds_of(error->at)});
  } else {
    row.insert(row.end(), 3, std::monostate{});
  }
  row.push_back(static_cast<std::int64_t>(progress.revision));
  return row;
}

constexpr std::string_view progress_columns =
    "status, high_water, rescanned, window_begin, window_end, window_begun, window_done, window_token, "
    "window_token_at, window_pages, window_found, group_created, recreations, events, message_bytes, polls, "
    "rescans, rescan_events, last_success, error_code, error_message, error_at, revision";

std::string encode_identities(std::span<const RecordIdentity> identities) {
  std::string bytes(identities.size() * identity_bytes, '\0');
  char* to = bytes.data();
  for (const RecordIdentity& each : identities) {
    std::memcpy(to, &each.high, 8);
    std::memcpy(to + 8, &each.low, 8);
    to += identity_bytes;
  }
  return bytes;
}

Result<void> insert_seen(sqlite::Connection& db, SourceId source, EventTime first, EventTime last,
                         std::span<const RecordIdentity> identities) {
  while (!identities.empty()) {
    const auto part = identities.first(std::min(identities.size(), identities_per_row_max));
    DEPUTY_TRY(db.run("INSERT INTO seen(source, first, last, events, identities) VALUES (?, ?, ?, ?, ?)",
                      {static_cast<std::int64_t>(source), milliseconds_of(first), milliseconds_of(last),
                       static_cast<std::int64_t>(part.size()), Blob{encode_identities(part)}}));
    identities = identities.subspan(part.size());
  }
  return success();
}

Result<void> forget_source(sqlite::Connection& db, const Value& id) {
  DEPUTY_TRY(db.run("DELETE FROM seen WHERE source = ?", {id}));
  DEPUTY_TRY(db.run("DELETE FROM sources WHERE id = ?", {id}));
  return success();
}

}  // namespace

std::int64_t milliseconds_of(EventTime time) {
  return time.time_since_epoch().count();
}
EventTime event_time(std::int64_t milliseconds) {
  return EventTime{std::chrono::milliseconds{milliseconds}};
}

std::string source_columns() {
  return fmt::format("id, tenant, connection, account, region, log_group, arn, {}", progress_columns);
}

Result<Source> read_source(const Row& row) {
  RowReader reader{row};
  const auto id = static_cast<SourceId>(reader.number());
  DEPUTY_TRY(auto tenant, TenantId::parse(reader.text()));
  DEPUTY_TRY(auto connection, ConnectionId::parse(reader.text()));
  DEPUTY_TRY(auto account, AccountId::parse(reader.text()));
  DEPUTY_TRY(auto region, Region::parse(reader.text()));
  Source source{.id = id,
                .origin = {std::move(tenant), std::move(connection), std::move(account), std::move(region),
                           reader.text()},
                .group_arn = reader.text(),
                .progress = {}};
  SourceProgress& progress = source.progress;
  DEPUTY_TRY(progress.status, parse_source_status(reader.text()));
  progress.high_water = reader.time();
  DEPUTY_TRY(progress.rescanned, read_times(reader.text()));
  progress.window = read_window(reader);
  progress.group_created = reader.time();
  progress.recreations = static_cast<std::uint32_t>(reader.number());
  progress.events = reader.count();
  progress.message_bytes = reader.count();
  progress.polls = reader.count();
  progress.rescans = reader.count();
  progress.rescan_events = reader.count();
  if (reader.next_is_null()) {
    reader.skip(1);
  } else {
    progress.last_success = reader.time();
  }
  if (reader.next_is_null()) {
    reader.skip(3);
  } else {
    std::string code = reader.text(), message = reader.text();
    progress.last_error = SourceError{std::move(code), std::move(message), reader.time()};
  }
  progress.revision = reader.count();
  if (reader.broken())
    return Error{ErrorKind::internal, "the log collector's books are damaged", "a source's row"};
  return source;
}

Result<void> insert_source(sqlite::Connection& db, const Origin& origin, const std::string& group_arn,
                           const SourceProgress& start) {
  Row row{origin.tenant.text(),  origin.connection.text(),
          origin.account.text(), origin.region.text(),
          origin.group,          group_arn};
  const Row progress = progress_row(start);
  row.insert(row.end(), progress.begin(), progress.end());
  std::string marks(row.size() * 3 - 2, ' ');
  for (std::size_t i = 0; i < row.size(); ++i) {
    marks[i * 3] = '?';
    if (i + 1 < row.size()) marks[i * 3 + 1] = ',';
  }
  DEPUTY_TRY(
      db.run(fmt::format("INSERT INTO sources(tenant, connection, account, region, log_group, arn, {}) "
                         "VALUES ({}) ON CONFLICT(connection, arn) DO NOTHING",
                         progress_columns, marks),
             row));
  return success();
}

Result<bool> update_progress(sqlite::Connection& db, SourceId source, const SourceProgress& progress) {
  static const std::string sql = [] {
    std::string marks = "?";
    for (int i = 1; i < 23; ++i) marks += ", ?";
    return fmt::format("UPDATE sources SET ({}) = ({}) WHERE id = ? AND revision = ?", progress_columns,
                       marks);
  }();
  SourceProgress next = progress;
  ++next.revision;
  Row row = progress_row(next);
  row.push_back(static_cast<std::int64_t>(source));
  row.push_back(static_cast<std::int64_t>(progress.revision));
  DEPUTY_TRY(const auto changed, db.run(sql, row));
  return changed == 1;
}

Result<void> write_seen(sqlite::Connection& db, const SourceCommit& commit) {
  const auto source = static_cast<std::int64_t>(commit.source);
  if (const auto& settle = commit.settle) {
    DEPUTY_TRY(db.run("DELETE FROM seen WHERE source = ? AND last < ?",
                      {source, milliseconds_of(settle->forget_before)}));
    if (settle->keep) {
      DEPUTY_TRY(db.run("DELETE FROM seen WHERE source = ? AND last >= ? AND last < ? AND first >= ?",
                        {source, milliseconds_of(settle->begin), milliseconds_of(settle->end),
                         milliseconds_of(settle->begin)}));
      DEPUTY_TRY(insert_seen(db, commit.source, settle->begin, settle->end - std::chrono::milliseconds{1},
                             *settle->keep));
    }
  }
  return insert_seen(db, commit.source, commit.seen_first, commit.seen_last, commit.seen);
}

Result<Source> Spool::source(const Origin& origin, const std::string& group_arn,
                             const SourceProgress& start) {
  const std::lock_guard hold{state_->writer.mutex};
  sqlite::Connection& db = *state_->writer.connection;
  DEPUTY_TRY(auto transaction, sqlite::TransactionScope::begin(db, true));
  DEPUTY_TRY(insert_source(db, origin, group_arn, start));
  DEPUTY_TRY(const auto rows,
             db.query("SELECT " + source_columns() + " FROM sources WHERE connection = ? AND arn = ?",
                      {origin.connection.text(), group_arn}));
  DEPUTY_TRY(transaction.commit());
  return read_source(rows.at(0));
}

Result<std::vector<Source>> Spool::sources(const ConnectionId& connection) {
  State::Books& books = state_->reading();
  const std::lock_guard hold{books.mutex};
  std::vector<Source> sources;
  DEPUTY_TRY(books.connection->for_each(
      "SELECT " + source_columns() + " FROM sources WHERE connection = ? ORDER BY id", {connection.text()},
      [&](const Row& row) -> Result<void> {
        DEPUTY_TRY(auto source, read_source(row));
        sources.push_back(std::move(source));
        return success();
      }));
  return sources;
}

Result<void> Spool::for_each_source(const std::function<void(const Source&)>& each) {
  State::Books& books = state_->reading();
  const std::lock_guard hold{books.mutex};
  return books.connection->for_each("SELECT " + source_columns() + " FROM sources ORDER BY id", {},
                                    [&](const Row& row) -> Result<void> {
                                      DEPUTY_TRY(const auto source, read_source(row));
                                      each(source);
                                      return success();
                                    });
}

Result<std::vector<std::string>> Spool::forget_vanished(const ConnectionId& connection, const Region& region,
                                                        const Lease& lease, EventTime before) {
  const std::lock_guard hold{state_->writer.mutex};
  sqlite::Connection& db = *state_->writer.connection;
  DEPUTY_TRY(auto transaction, sqlite::TransactionScope::begin(db, true));
  DEPUTY_TRY(const bool ours, state_->holds(db, lease));
  std::vector<std::string> groups;
  if (!ours) return groups;
  DEPUTY_TRY(const auto rows, db.query("SELECT id, arn FROM sources WHERE connection = ? AND region = ? AND "
                                       "status = 'not_found' AND error_at < ?",
                                       {connection.text(), region.text(), milliseconds_of(before)}));
  for (const Row& row : rows) {
    DEPUTY_TRY(forget_source(db, row[0]));
    groups.push_back(std::get<std::string>(row[1]));
  }
  DEPUTY_TRY(transaction.commit());
  return groups;
}

Result<void> Spool::forget_connections(const std::set<std::string>& but, EventTime before) {
  const std::lock_guard hold{state_->writer.mutex};
  sqlite::Connection& db = *state_->writer.connection;
  DEPUTY_TRY(auto transaction, sqlite::TransactionScope::begin(db, true));
  DEPUTY_TRY(const auto rows,
             db.query("SELECT id, connection FROM sources WHERE high_water < ?", {milliseconds_of(before)}));
  for (const Row& row : rows) {
    if (but.contains(std::get<std::string>(row[1]))) continue;
    DEPUTY_TRY(forget_source(db, row[0]));
  }
  return transaction.commit();
}

Result<std::uint64_t> Spool::count_seen(SourceId source, EventTime begin, EventTime end) {
  State::Books& books = state_->reading();
  const std::lock_guard hold{books.mutex};
  DEPUTY_TRY(const auto rows,
             books.connection->query(
                 "SELECT coalesce(sum(events), 0) FROM seen WHERE source = ? AND last >= ? "
                 "AND first < ?",
                 {static_cast<std::int64_t>(source), milliseconds_of(begin), milliseconds_of(end)}));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(rows.at(0).at(0)));
}

Result<std::vector<RecordIdentity>> Spool::seen(SourceId source, EventTime begin, EventTime end) {
  State::Books& books = state_->reading();
  const std::lock_guard hold{books.mutex};
  std::vector<RecordIdentity> identities;
  DEPUTY_TRY(books.connection->for_each(
      "SELECT identities FROM seen WHERE source = ? AND last >= ? AND first < ?",
      {static_cast<std::int64_t>(source), milliseconds_of(begin), milliseconds_of(end)},
      [&](const Row& row) -> Result<void> {
        const auto* blob = std::get_if<Blob>(&row[0]);
        if (blob == nullptr || blob->bytes.size() % identity_bytes != 0)
          return Error{ErrorKind::internal, "the log collector's books are damaged", "seen identities"};
        const std::size_t before = identities.size();
        identities.resize(before + blob->bytes.size() / identity_bytes);
        for (std::size_t i = before; i < identities.size(); ++i) {
          const char* from = blob->bytes.data() + (i - before) * identity_bytes;
          std::memcpy(&identities[i].high, from, 8);
          std::memcpy(&identities[i].low, from + 8, 8);
        }
        return success();
      }));
  return identities;
}

// ── Leases ──

std::filesystem::path Spool::State::holder_file(const std::string& holder) const {
  return options.directory / fmt::format("{}{}{}", holder_prefix, holder, holder_suffix);
}

Result<void> Spool::State::show_life(const std::string& holder) {
  if (options.in_memory_books || alive.contains(holder)) return success();
  DEPUTY_TRY(auto file, files.create(holder_file(holder)));
  alive.emplace(holder, std::move(file));
  return success();
}

// A process that was killed need not be waited for: the system tells that its file is left.
Result<void> Spool::State::free_leases_of_the_dead(sqlite::Connection& db, const std::string& holder,
                                                   std::int64_t now_us) {
  if (options.in_memory_books) return success();
  DEPUTY_TRY(const auto rows, db.query("SELECT DISTINCT holder FROM leases WHERE holder <> ? AND until > ?",
                                       {holder, now_us}));
  for (const Row& row : rows) {
    const std::string& other = std::get<std::string>(row.at(0));
    DEPUTY_TRY(const bool left, files.is_left(holder_file(other)));
    if (!left) continue;
    DEPUTY_TRY(db.run("UPDATE leases SET until = 0 WHERE holder = ?", {other}));
    DEPUTY_TRY(files.remove(holder_file(other)));
  }
  return success();
}

Result<std::vector<Lease>> Spool::acquire_free(const std::vector<std::string>& names,
                                               const std::string& holder, Timestamp now,
                                               std::chrono::milliseconds time) {
  const auto now_us = now.time_since_epoch().count();
  const auto until_us = (now + time).time_since_epoch().count();
  const std::lock_guard hold{state_->writer.mutex};
  sqlite::Connection& db = *state_->writer.connection;
  DEPUTY_TRY(state_->show_life(holder));
  DEPUTY_TRY(auto transaction, sqlite::TransactionScope::begin(db, true));
  DEPUTY_TRY(state_->free_leases_of_the_dead(db, holder, std::int64_t{now_us}));
  std::vector<Lease> leases;
  for (const std::string& name : names) {
    // Taken anew even by its holder: what that began before it may have lost the lease must not be written.
    DEPUTY_TRY(const auto changed,
               db.run("INSERT INTO leases(name, holder, epoch, until) VALUES (?1, ?2, 1, ?3) "
                      "ON CONFLICT(name) DO UPDATE SET holder = ?2, epoch = epoch + 1, until = ?3 "
                      "WHERE holder = ?2 OR until <= ?4",
                      {name, holder, std::int64_t{until_us}, std::int64_t{now_us}}));
    if (changed == 0) continue;
    DEPUTY_TRY(const auto rows, db.query("SELECT epoch FROM leases WHERE name = ?", {name}));
    leases.push_back({name, static_cast<std::uint64_t>(std::get<std::int64_t>(rows.at(0).at(0)))});
  }
  DEPUTY_TRY(transaction.commit());
  return leases;
}

Result<std::optional<Lease>> Spool::acquire(const std::string& name, const std::string& holder, Timestamp now,
                                            std::chrono::milliseconds time) {
  DEPUTY_TRY(auto leases, acquire_free({name}, holder, now, time));
  return leases.empty() ? std::optional<Lease>{} : std::optional{std::move(leases.front())};
}

Result<std::vector<std::string>> Spool::renew(const std::string& holder, Timestamp now,
                                              std::chrono::milliseconds time) {
  const auto now_us = now.time_since_epoch().count();
  const auto until_us = (now + time).time_since_epoch().count();
  const std::lock_guard hold{state_->writer.mutex};
  sqlite::Connection& db = *state_->writer.connection;
  DEPUTY_TRY(auto transaction, sqlite::TransactionScope::begin(db, true));
  DEPUTY_TRY(db.run("UPDATE leases SET until = ? WHERE holder = ? AND until > ?",
                    {std::int64_t{until_us}, holder, std::int64_t{now_us}}));
  DEPUTY_TRY(const auto rows, db.query("SELECT name FROM leases WHERE holder = ? AND until > ?",
                                       {holder, std::int64_t{now_us}}));
  DEPUTY_TRY(transaction.commit());
  // What other processes wrote and freed: a spool that was full here must not seem so for ever.
  DEPUTY_TRY(state_->note_bytes(db));
  DEPUTY_TRY(state_->note_last(db));
  std::vector<std::string> names;
  names.reserve(rows.size());
  for (const Row& row : rows) names.push_back(std::get<std::string>(row[0]));
  return names;
}

Result<void> Spool::release(const std::string& holder) {
  const std::lock_guard hold{state_->writer.mutex};
  DEPUTY_TRY(state_->writer.connection->run("UPDATE leases SET until = 0 WHERE holder = ?", {holder}));
  if (state_->alive.erase(holder) == 0) return success();
  return state_->files.remove(state_->holder_file(holder));
}

}  // namespace deputy::logs
