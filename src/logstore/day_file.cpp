#include "logstore/day_file.hpp"

#include "logstore/day_writing.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "core/file_descriptor.hpp"

namespace deputy::logstore {
namespace {

constexpr mode_t owner_only = 0600;  // customers' logs
constexpr std::chrono::milliseconds busy_timeout{500};
constexpr std::int64_t application_id = 0x44504c53;  // "DPLS"
constexpr std::int64_t format = 1;

// `words` has no content: what it was made of is `event`. Keys of `event` are those of `words`.
constexpr std::string_view schema = R"sql(
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE source (
  id INTEGER PRIMARY KEY,
  connection TEXT NOT NULL,
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  log_group TEXT NOT NULL
) STRICT;
CREATE TABLE stream (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  source INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  time INTEGER NOT NULL,
  ingested INTEGER NOT NULL,
  event_id BLOB NOT NULL,
  message BLOB NOT NULL
) STRICT;
CREATE TABLE crowd (identity BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE arrival (number INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;
CREATE VIRTUAL TABLE words USING fts5(text, content='', detail=none, columnsize=0, tokenize='deputy');
INSERT INTO words(words, rank) VALUES('automerge', 16), ('crisismerge', 32), ('hashsize', 67108864);
)sql";

Result<void> make_file(const std::filesystem::path& file) {
  const FileDescriptor made{::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, owner_only)};
  if (!made || ::fchmod(made.get(), owner_only) != 0)
    return Error{ErrorKind::internal,
                 "a file of the log store cannot be made: let Deputy's user write its folder",
                 file.string() + ": " + std::strerror(errno)};
  return success();
}

constexpr std::string_view event_columns = "id, source, stream, time, ingested, event_id, message";

StoredRecord record_of(const sqlite::Statement& row) {
  const auto time = [&row](int column) {
    return logs::EventTime{std::chrono::milliseconds{row.number(column)}};
  };
  return {row.number(0), row.number(1), row.number(2), time(3), time(4), row.bytes(5), row.bytes(6)};
}

// The least text that is greater than all that begin with `text`; empty when there is none.
std::string after_all_of(std::string text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) == 0xff) text.pop_back();
  if (!text.empty()) text.back() = static_cast<char>(static_cast<unsigned char>(text.back()) + 1);
  return text;
}

std::string_view attribute_of(const StoredSource& source, Attribute attribute) {
  switch (attribute) {
    case Attribute::connection:
      return source.connection;
    case Attribute::account:
      return source.account;
    case Attribute::region:
      return source.region;
    default:
      return source.group;
  }
}

}  // namespace

DayFile::DayFile(std::unique_ptr<sqlite::Connection> connection, Day day)
    : connection_(std::move(connection)), day_(day) {}
DayFile::~DayFile() = default;

Result<std::unique_ptr<DayFile>> DayFile::open(const std::filesystem::path& file, const TenantId& tenant,
                                               Day day, Access access) {
  if (access == Access::write) {
    DEPUTY_TRY(make_file(file));
  }
  DEPUTY_TRY(auto connection,
             sqlite::Connection::open(file, sqlite::Connection::Access::read_write, busy_timeout));
  std::unique_ptr<DayFile> opened{new DayFile{std::move(connection), day}};
  DEPUTY_TRY(add_tokenizer(opened->connection_->handle()));
  DEPUTY_TRY(opened->check_or_make(tenant, access));
  if (access == Access::read) {
    DEPUTY_TRY(opened->connection_->execute("PRAGMA query_only = ON; PRAGMA cache_size = -4000"));
  } else {
    DEPUTY_TRY(opened->writing_, Writing::begin(*opened->connection_, day));
  }
  return opened;
}

Result<void> DayFile::make_tables(const TenantId& tenant) {
  DEPUTY_TRY(connection_->execute("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL"));
  DEPUTY_TRY(auto transaction, sqlite::TransactionScope::begin(*connection_, true));
  DEPUTY_TRY(connection_->execute(std::string{schema}));
  DEPUTY_TRY(
      connection_->run("INSERT INTO about VALUES ('tenant', ?), ('day', ?)", {tenant.text(), to_text(day_)}));
  DEPUTY_TRY(connection_->execute(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id, format)));
  return transaction.commit();
}

Result<void> DayFile::check_or_make(const TenantId& tenant, Access access) {
  DEPUTY_TRY(const auto id, connection_->number("PRAGMA application_id"));
  DEPUTY_TRY(const auto tables, connection_->number("SELECT count(*) FROM sqlite_schema"));
  if (id == 0 && tables == 0 && access == Access::write) {
    DEPUTY_TRY(make_tables(tenant));
  } else if (id != application_id) {
    return Error{
        ErrorKind::conflict,
        fmt::format("the log store's file of {} is none of its own: another was put there", to_text(day_)),
        tenant.text()};
  }
  DEPUTY_TRY(const auto rows,
             connection_->query("SELECT value FROM about WHERE name IN ('tenant', 'day') ORDER BY name", {}));
  DEPUTY_TRY(const auto version, connection_->number("PRAGMA user_version"));
  const std::vector<sqlite::Row> expected{{to_text(day_)}, {tenant.text()}};
  if (rows != expected)
    return Error{ErrorKind::conflict,
                 fmt::format("the log store's file of {} is another tenant's or another day's: it was moved",
                             to_text(day_)),
                 tenant.text()};
  if (version != format)
    return Error{ErrorKind::internal,
                 fmt::format("the log store's file of {} was made by a newer Deputy: run that version",
                             to_text(day_))};
  return success();
}

Result<DayFile::Stored> DayFile::store(std::vector<NewRecord>& records, std::int64_t arrival) {
  return writing_->store(records, arrival);
}

Result<void> DayFile::load_sources() {
  sources_.clear();
  DEPUTY_TRY(auto statement,
             sqlite::Statement::prepare(*connection_,
                                        "SELECT id, connection, account, region, log_group FROM source"));
  for (;;) {
    DEPUTY_TRY(const bool has_row, statement.step());
    if (!has_row) return success();
    const auto text = [&statement](int column) { return std::string{statement.bytes(column)}; };
    sources_[statement.number(0)] = {text(1), text(2), text(3), text(4)};
  }
}

Result<std::optional<std::vector<std::int64_t>>> DayFile::lookup_streams(const AttributeIs& wanted) {
  DEPUTY_TRY(auto statement,
             sqlite::Statement::prepare(
                 *connection_, "SELECT id FROM stream WHERE name >= ?1 AND (?2 = '' OR name < ?2) LIMIT 65"));
  const std::string end = after_all_of(wanted.value);
  const std::string exact_end = wanted.value + '\x01';
  statement.bind_text(0, wanted.value);
  statement.bind_text(1, wanted.is_prefix ? end : exact_end);
  std::vector<std::int64_t> found;
  for (;;) {
    DEPUTY_TRY(const bool has_row, statement.step());
    if (!has_row) return std::optional{std::move(found)};
    if (found.size() == attribute_values_max) return std::optional<std::vector<std::int64_t>>{};
    found.push_back(statement.number(0));
  }
}

Result<std::optional<std::vector<std::int64_t>>> DayFile::lookup(const AttributeIs& wanted) {
  if (wanted.attribute == Attribute::stream) return lookup_streams(wanted);
  std::vector<std::int64_t> found;
  for (const auto& [number, source] : sources_)
    if (matches(wanted, attribute_of(source, wanted.attribute))) found.push_back(number);
  const bool all = found.size() == sources_.size() && !found.empty();
  if (all || found.size() > attribute_values_max) return std::optional<std::vector<std::int64_t>>{};
  return std::optional{std::move(found)};
}

Result<void> DayFile::search(const Query& query, Key from, Key to,
                             const std::function<bool(const StoredRecord&)>& each) {
  DEPUTY_TRY(load_sources());
  DEPUTY_TRY(const Match match,
             match_of(query, [this](const AttributeIs& wanted) { return lookup(wanted); }));
  if (match.kind == Match::Kind::nothing) return success();
  // The order of keys is the index's own: the newest come first without sorting.
  constexpr std::string_view all =
      "SELECT id, source, stream, time, ingested, event_id, message FROM event "
      "WHERE id >= ?1 AND id <= ?2 ORDER BY id DESC";
  constexpr std::string_view matching =
      "SELECT e.id, e.source, e.stream, e.time, e.ingested, e.event_id, e.message "
      "FROM words w CROSS JOIN event e ON e.id = w.rowid "
      "WHERE w.words MATCH ?3 AND w.rowid >= ?1 AND w.rowid <= ?2 ORDER BY w.rowid DESC";
  const bool is_everything = match.kind == Match::Kind::everything;
  DEPUTY_TRY(auto statement, sqlite::Statement::prepare(*connection_, is_everything ? all : matching));
  statement.bind(0, from);
  statement.bind(1, to);
  if (!is_everything) statement.bind_text(2, match.expression);
  for (;;) {
    DEPUTY_TRY(const bool has_row, statement.step());
    if (!has_row || !each(record_of(statement))) return success();
  }
}

Result<std::int64_t> DayFile::displaced_ms() {
  return connection_->number(
      "SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM about WHERE name = 'displaced_ms'");
}

Result<std::int64_t> DayFile::last_arrival() {
  return connection_->number("SELECT coalesce(max(number), 0) FROM arrival");
}

Result<void> DayFile::arrived(
    std::int64_t after, std::int64_t to,
    const std::function<bool(std::int64_t arrival, std::size_t index, const StoredRecord&)>& each) {
  DEPUTY_TRY(load_sources());
  DEPUTY_TRY(auto arrivals,
             sqlite::Statement::prepare(
                 *connection_,
                 "SELECT number, keys FROM arrival WHERE number > ?1 AND number <= ?2 ORDER BY number"));
  DEPUTY_TRY(auto event, sqlite::Statement::prepare(
                             *connection_, fmt::format("SELECT {} FROM event WHERE id = ?1", event_columns)));
  arrivals.bind(0, after);
  arrivals.bind(1, to);
  for (;;) {
    DEPUTY_TRY(const bool has_row, arrivals.step());
    if (!has_row) return success();
    std::size_t index = 0;
    for (const Key key : decode_keys(arrivals.bytes(1))) {
      event.bind(0, key);
      DEPUTY_TRY(const bool is_there, event.step());
      if (is_there && !each(arrivals.number(0), index, record_of(event))) return success();
      event.reset();
      ++index;
    }
  }
}

Result<const StoredSource*> DayFile::source(std::int64_t number) {
  const auto found = sources_.find(number);
  if (found != sources_.end()) return &found->second;
  DEPUTY_TRY(load_sources());  // another process made it since
  if (const auto now = sources_.find(number); now != sources_.end()) return &now->second;
  return Error{ErrorKind::internal, "the log store's file is damaged", fmt::format("no source {}", number)};
}

Result<std::string> DayFile::stream(std::int64_t number) {
  DEPUTY_TRY(const auto rows, connection_->query("SELECT name FROM stream WHERE id = ?", {number}));
  if (rows.empty())
    return Error{ErrorKind::internal, "the log store's file is damaged", fmt::format("no stream {}", number)};
  const auto* name = std::get_if<std::string>(&rows[0][0]);
  return name == nullptr ? std::string{} : *name;
}

}  // namespace deputy::logstore
