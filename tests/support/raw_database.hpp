#pragma once

#include <filesystem>
#include <fstream>
#include <sqlite3.h>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace deputy {

// Someone who can write to the database file but has no key: plain SQLite, foreign keys off, triggers put
// aside while it edits and put back as they were, so that nothing shows in the schema.
class RawDatabase {
 public:
  explicit RawDatabase(const std::filesystem::path& file) {
    if (sqlite3_open(file.c_str(), &database_) != SQLITE_OK) throw std::runtime_error{"open"};
  }
  RawDatabase(const RawDatabase&) = delete;
  RawDatabase& operator=(const RawDatabase&) = delete;
  ~RawDatabase() { sqlite3_close(database_); }

  void run(const std::string& sql) {
    char* message = nullptr;
    if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, &message) != SQLITE_OK) {
      const std::string text = std::string{message} + ": " + sql;
      sqlite3_free(message);
      throw std::runtime_error{text};
    }
  }
  std::vector<std::vector<std::string>> rows(const std::string& sql) {
    std::vector<std::vector<std::string>> result;
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
      throw std::runtime_error{sqlite3_errmsg(database_) + (": " + sql)};
    while (sqlite3_step(statement) == SQLITE_ROW) {
      std::vector<std::string> row;
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
        row.emplace_back(text == nullptr ? "" : text);
      }
      result.push_back(std::move(row));
    }
    sqlite3_finalize(statement);
    return result;
  }
  std::string value(const std::string& sql) { return rows(sql).at(0).at(0); }

  void edit(const std::string& sql) {
    const auto triggers = rows("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
    for (const auto& trigger : triggers) run("DROP TRIGGER " + trigger[0]);
    run(sql);
    for (const auto& trigger : triggers) run(trigger[1]);
  }

 private:
  sqlite3* database_ = nullptr;
};

// The bytes of the file and of what SQLite puts beside it.
inline std::string database_bytes(const std::filesystem::path& file) {
  std::ostringstream bytes;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const std::ifstream part{file.native() + suffix, std::ios::binary};
    if (part) bytes << part.rdbuf();
  }
  return bytes.str();
}

}  // namespace deputy
