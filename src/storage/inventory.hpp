#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "journal/journal.hpp"
#include "storage/keyed_hash.hpp"
#include "storage/sealing.hpp"
#include "storage/sqlite_connection.hpp"

namespace deputy::storage {

// The rows of one table as one number: how many, and the sum modulo 2^256 of a keyed hash of each row's mac.
// Any row removed, added or put back to an older state changes the sum; adding and removing are cheap.
class TableDigest {
 public:
  void add(const KeyedHash& hash, const Blob& mac);
  void remove(const KeyedHash& hash, const Blob& mac);

  std::uint64_t rows() const { return rows_; }
  std::string text() const;
  static std::optional<TableDigest> parse(std::string_view text);
  friend bool operator==(const TableDigest&, const TableDigest&) = default;

 private:
  std::uint64_t rows_ = 0;
  std::array<std::uint64_t, 4> sum_{};  // least significant first
};

// What the whole database should hold: each table's digest and the journal's head. It is kept sealed in one
// row and written with every transaction, so that no table can be put back to an older state by itself. (The
// sums are sealed because whoever saw many of them could solve for a set of rows with the same sum.)
class Inventory {
 public:
  static Result<Inventory> load(SqliteConnection& connection, const Sealer& sealer);
  Result<void> save(SqliteConnection& connection, const Sealer& sealer);

  TableDigest& table(std::string_view name);
  const journal::Checkpoint& journal_head() const { return journal_head_; }
  void set_journal_head(const journal::Checkpoint& head) { journal_head_ = head; }

 private:
  std::string text() const;
  static std::optional<Inventory> parse(std::string_view text);

  std::uint64_t generation_ = 0;  // counts saves
  journal::Checkpoint journal_head_;
  std::map<std::string, TableDigest, std::less<>> tables_;
};

}  // namespace deputy::storage
