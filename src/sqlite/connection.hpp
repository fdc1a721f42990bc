#pragma once

#include "sqlite/value.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace deputy::sqlite {

// What SQLite's error means to who uses Deputy: full, busy, read-only, damaged, not a database, a broken
// constraint. `doing` says what failed (`open`, `write`). SQLite's own words go to the detail only.
// https://www.sqlite.org/rescode.html
Error sqlite_error(sqlite3* database, int code, std::string_view doing);

// What kind of trouble an Error of sqlite_error is. (SQLite's code stands at the end of the detail.)
bool is_damage(const Error& error);  // the file is damaged, or none of SQLite's
bool is_locked(const Error& error);  // somebody else holds it
bool stands_in_the_way(
    const Error& error);                   // of every write: full, locked, not to be written, a failing disk
bool is_interruption(const Error& error);  // sqlite3_interrupt ended it

// One connection to a SQLite file, set up so that a hostile file can do least (defensive, no trusted schema,
// no extensions, bounded values). Use by one thread at a time. Statements are prepared once and kept; values
// are always bound, never part of the text.
class Connection {
 public:
  enum class Access { read_only, read_write };

  // An empty path is a database in memory. The file must exist else.
  static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& file, Access access,
                                                  std::chrono::milliseconds busy_timeout);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // One or more statements without parameters or results.
  Result<void> execute(const std::string& sql);
  // One statement without a result. Returns how many rows it changed.
  Result<std::int64_t> run(const std::string& sql, const Row& parameters);
  // All rows of a bounded query.
  Result<std::vector<Row>> query(const std::string& sql, const Row& parameters);
  // Row by row, for what has no bound. `each` must not use the same SQL on this connection.
  Result<void> for_each(const std::string& sql, const Row& parameters,
                        const std::function<Result<void>(const Row&)>& each);
  // The single number that `sql` (a pragma, a count) yields.
  Result<std::int64_t> number(const std::string& sql);

  // False once SQLite rolled the transaction back by itself (full, I/O error): nothing may be written then.
  bool in_transaction() const;
  sqlite3* handle() { return database_; }

 private:
  explicit Connection(sqlite3* database) : database_(database) {}
  Result<void> set_up(std::chrono::milliseconds busy_timeout);
  Result<sqlite3_stmt*> prepared(const std::string& sql);
  Result<void> step_through(const std::string& sql, const Row& parameters,
                            const std::function<Result<void>(const Row&)>& each);

  sqlite3* database_;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

// A transaction on a connection: rolled back when it goes out of scope without `commit`.
class TransactionScope {
 public:
  // `immediate` takes the write lock at once, so that two writers never read first and collide later.
  static Result<TransactionScope> begin(Connection& connection, bool immediate);
  TransactionScope(TransactionScope&& other) noexcept;
  TransactionScope& operator=(TransactionScope&&) = delete;
  ~TransactionScope();

  Result<void> commit();

 private:
  explicit TransactionScope(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

}  // namespace deputy::sqlite
