#include "sqlite/connection.hpp"

#include <charconv>
#include <fmt/format.h>
#include <sqlite3.h>
#include <utility>

#include "core/assert.hpp"

namespace deputy::sqlite {

namespace {

// The longest value that Deputy writes (a policy) is far below; a hostile file cannot make it allocate more.
constexpr int value_bytes_max = 4 * 1024 * 1024;
constexpr std::chrono::seconds busy_retry{1};
constexpr std::chrono::seconds full_retry{60};

int bind(sqlite3_stmt* statement, int index, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return sqlite3_bind_int64(statement, index, *number);
  if (const auto* text = std::get_if<std::string>(&value))
    return sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  if (const auto* blob = std::get_if<Blob>(&value)) {
    if (blob->bytes.empty()) return sqlite3_bind_zeroblob(statement, index, 0);
    return sqlite3_bind_blob64(statement, index, blob->bytes.data(), blob->bytes.size(), SQLITE_STATIC);
  }
  return sqlite3_bind_null(statement, index);
}

Value column(sqlite3_stmt* statement, int index) {
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(statement, index)};
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, index));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, index));
      return Blob{bytes == nullptr ? std::string{} : std::string{bytes, size}};
    }
    case SQLITE_NULL:
      return std::monostate{};
    default: {  // text; Deputy stores no REAL, one that was edited in reads as text and fails its row's code
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, index));
      return text == nullptr ? std::string{} : std::string{text, size};
    }
  }
}

Row row_of(sqlite3_stmt* statement) {
  const int columns = sqlite3_column_count(statement);
  Row row;
  row.reserve(static_cast<std::size_t>(columns));
  for (int i = 0; i < columns; ++i) row.push_back(column(statement, i));
  return row;
}

// Frees the statement for its next use, whatever happened.
class StatementReset {
 public:
  explicit StatementReset(sqlite3_stmt* statement) : statement_(statement) {}
  StatementReset(const StatementReset&) = delete;
  StatementReset& operator=(const StatementReset&) = delete;
  ~StatementReset() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

 private:
  sqlite3_stmt* statement_;
};

Error constraint_error(int code, std::string detail) {
  if (code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE)
    return Error{ErrorKind::conflict, "it exists already", std::move(detail)};
  return Error{ErrorKind::internal, "the database refused to store that", std::move(detail)};
}

}  // namespace

Error sqlite_error(sqlite3* database, int code, std::string_view doing) {
  std::string detail =
      fmt::format("sqlite could not {}: {} ({})", doing,
                  database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database), code);
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error{ErrorKind::overloaded,
                   "the database is locked by another process: try again, or stop what holds it",
                   std::move(detail)}
          .with_retry_after(busy_retry);
    case SQLITE_FULL:
      return Error{ErrorKind::overloaded,
                   "the database cannot grow, its disk is full: make room; nothing was written",
                   std::move(detail)}
          .with_retry_after(full_retry);
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Error{ErrorKind::internal,
                   "the database cannot be written: let Deputy's user write the file and its folder",
                   std::move(detail)};
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      return Error{ErrorKind::internal,
                   "the database cannot be opened: let Deputy's user read and write the file and its folder",
                   std::move(detail)};
    case SQLITE_NOTADB:
      return Error{ErrorKind::internal, "the file is not a database; another stands where Deputy's should be",
                   std::move(detail)};
    case SQLITE_CORRUPT:
    case SQLITE_TOOBIG:
      return Error{ErrorKind::internal, "the database file is damaged: restore it from a backup",
                   std::move(detail)};
    case SQLITE_IOERR:
      return Error{ErrorKind::internal, "the database's disk failed to read or write", std::move(detail)};
    case SQLITE_CONSTRAINT:
      return constraint_error(code, std::move(detail));
    default:
      return Error{ErrorKind::internal, "the database failed", std::move(detail)};
  }
}

namespace {

// The primary result code, or -1.
int code_in(const Error& error) {
  const std::string& detail = error.detail;
  const std::size_t open = detail.rfind('(');
  if (!detail.starts_with("sqlite could not ") || open == std::string::npos) return -1;
  int code = -1;
  std::from_chars(detail.data() + open + 1, detail.data() + detail.size(), code);
  return code < 0 ? -1 : code & 0xff;
}

}  // namespace

bool is_damage(const Error& error) {
  const int code = code_in(error);
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}
bool is_locked(const Error& error) {
  const int code = code_in(error);
  return code == SQLITE_BUSY || code == SQLITE_LOCKED;
}
bool stands_in_the_way(const Error& error) {
  switch (code_in(error)) {
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return true;
    default:
      return false;
  }
}
bool is_interruption(const Error& error) {
  return code_in(error) == SQLITE_INTERRUPT;
}

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& file, Access access,
                                                     std::chrono::milliseconds busy_timeout) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
  flags |= access == Access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (file.empty()) flags |= SQLITE_OPEN_MEMORY;
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(file.empty() ? ":memory:" : file.c_str(), &database, flags, nullptr);
  std::unique_ptr<Connection> connection{new Connection{database}};
  if (code != SQLITE_OK) return sqlite_error(database, code, "open the file");
  // SQLite falls back to reading where the file may not be written; here that would only show later.
  if (access == Access::read_write && sqlite3_db_readonly(database, "main") == 1)
    return sqlite_error(nullptr, SQLITE_READONLY, "open the file for writing");
  DEPUTY_TRY(connection->set_up(busy_timeout));
  return connection;
}

Result<void> Connection::set_up(std::chrono::milliseconds busy_timeout) {
  sqlite3_busy_timeout(database_, static_cast<int>(busy_timeout.count()));
  sqlite3_limit(database_, SQLITE_LIMIT_LENGTH, value_bytes_max);
  sqlite3_limit(database_, SQLITE_LIMIT_ATTACHED, 0);
  for (const auto [option, on] :
       {std::pair{SQLITE_DBCONFIG_DEFENSIVE, 1}, std::pair{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        std::pair{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0}, std::pair{SQLITE_DBCONFIG_ENABLE_FKEY, 1},
        std::pair{SQLITE_DBCONFIG_ENABLE_TRIGGER, 1}}) {
    int now = -1;
    if (sqlite3_db_config(database_, option, on, &now) != SQLITE_OK || now != on)
      return Error{ErrorKind::internal, "the database library lacks a setting that Deputy needs",
                   fmt::format("sqlite3_db_config {}", option)};
  }
  return execute(
      "PRAGMA synchronous = FULL;"
      "PRAGMA cell_size_check = ON;"
      "PRAGMA temp_store = MEMORY;"
      "PRAGMA secure_delete = ON;"
      "PRAGMA journal_size_limit = 67108864;");
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(database_);
}

Result<void> Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(database_, code, sql.size() < 64 ? sql : "run a script");
  return success();
}

Result<sqlite3_stmt*> Connection::prepared(const std::string& sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) return found->second;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return sqlite_error(database_, code, sql);
  DEPUTY_ASSERT(statement != nullptr);
  statements_.emplace(sql, statement);
  return statement;
}

Result<void> Connection::step_through(const std::string& sql, const Row& parameters,
                                      const std::function<Result<void>(const Row&)>& each) {
  DEPUTY_TRY(sqlite3_stmt * statement, prepared(sql));
  DEPUTY_ASSERT(sqlite3_stmt_busy(statement) == 0);
  DEPUTY_ASSERT(sqlite3_bind_parameter_count(statement) == static_cast<int>(parameters.size()));
  const StatementReset reset{statement};
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const int code = bind(statement, static_cast<int>(i) + 1, parameters[i]);
    if (code != SQLITE_OK) return sqlite_error(database_, code, sql);
  }
  for (;;) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return success();
    if (code != SQLITE_ROW) return sqlite_error(database_, code, sql);
    DEPUTY_TRY(each(row_of(statement)));
  }
}

Result<std::int64_t> Connection::run(const std::string& sql, const Row& parameters) {
  DEPUTY_TRY(step_through(sql, parameters, [](const Row&) -> Result<void> { return success(); }));
  return std::int64_t{sqlite3_changes64(database_)};
}

Result<std::vector<Row>> Connection::query(const std::string& sql, const Row& parameters) {
  std::vector<Row> rows;
  DEPUTY_TRY(step_through(sql, parameters, [&](const Row& row) -> Result<void> {
    rows.push_back(row);
    return success();
  }));
  return rows;
}

Result<void> Connection::for_each(const std::string& sql, const Row& parameters,
                                  const std::function<Result<void>(const Row&)>& each) {
  return step_through(sql, parameters, each);
}

Result<std::int64_t> Connection::number(const std::string& sql) {
  DEPUTY_TRY(const auto rows, query(sql, {}));
  if (rows.size() == 1 && rows[0].size() == 1) {
    if (const auto* number = std::get_if<std::int64_t>(&rows[0][0])) return *number;
  }
  return Error{ErrorKind::internal, "the database failed", "no number from: " + sql};
}

bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(database_) == 0;
}

Result<TransactionScope> TransactionScope::begin(Connection& connection, bool immediate) {
  DEPUTY_TRY(connection.run(immediate ? "BEGIN IMMEDIATE" : "BEGIN", {}));
  return TransactionScope{connection};
}

TransactionScope::TransactionScope(TransactionScope&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

TransactionScope::~TransactionScope() {
  if (connection_ == nullptr || !connection_->in_transaction()) return;
  // Nothing can be done when this fails; closing the connection rolls back as well.
  [[maybe_unused]] const auto result = connection_->run("ROLLBACK", {});
}

Result<void> TransactionScope::commit() {
  DEPUTY_ASSERT(connection_ != nullptr);
  if (!connection_->in_transaction())
    return Error{ErrorKind::internal, "the database gave the transaction up; nothing was written"};
  DEPUTY_TRY(connection_->run("COMMIT", {}));
  connection_ = nullptr;
  return success();
}

}  // namespace deputy::sqlite
