#pragma once

#include "sqlite/connection.hpp"

#include <cstdint>
#include <string_view>

namespace deputy::sqlite {

// One prepared statement, for where a Row's copies would cost too much: values are bound and read as views.
// What is bound must live until the statement is reset. Outlived by its connection. Use by one thread at a
// time.
class Statement {
 public:
  static Result<Statement> prepare(Connection& connection, std::string_view sql);
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // Parameters and columns count from 0.
  void bind(int index, std::int64_t number);
  void bind_text(int index, std::string_view text);
  void bind_blob(int index, std::string_view bytes);

  // True when there is a row to read, false at the end. After false and after an error it is reset.
  Result<bool> step();
  // To the end, for a statement without rows.
  Result<void> run();
  void reset();

  // Of the current row; valid until the next step or reset. Bytes as they are, NUL among them.
  std::int64_t number(int column) const;
  std::string_view bytes(int column) const;

 private:
  Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  sqlite3* database_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace deputy::sqlite
