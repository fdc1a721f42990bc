#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/inventory.hpp"
#include "storage/sqlite_connection.hpp"
#include "storage/store_keys.hpp"
#include "storage/table.hpp"

namespace deputy::storage {

// The mac of a row: a keyed hash over its table's name and every column's type, length and bytes, in order.
Blob row_mac(const StoreKeys& keys, const Table& table, const Row& values);

// Takes the mac off a row as it was read (columns, then mac) and checks it: `internal` naming table and key
// when it is not authentic.
Result<Row> authentic(const StoreKeys& keys, const Table& table, Row row);

// The rows of one transaction. Every read is checked, every write is authenticated and entered into the
// inventory, which `finish` saves. After an error of the database (not a constraint) the transaction is over.
class AuthenticatedRows {
 public:
  enum class Mode { read, write };

  // Both outlive this.
  AuthenticatedRows(SqliteConnection& connection, const StoreKeys& keys, Mode mode)
      : connection_(connection), keys_(keys), mode_(mode) {}

  Result<void> insert(const Table& table, const Row& values);
  // The row with this key must exist.
  Result<void> update(const Table& table, const Row& values);
  Result<void> erase(const Table& table, const Row& key);
  Result<std::optional<Row>> find(const Table& table, const Row& key);
  // `sql` comes from table.select().
  Result<std::vector<Row>> select(const Table& table, const std::string& sql, const Row& parameters);
  // The first row of such a query.
  Result<std::optional<Row>> first(const Table& table, const std::string& sql, const Row& parameters);

  Result<Inventory*> inventory();
  Result<Inventory*> inventory_to_change();
  // Writes the inventory when anything changed. Call before the commit.
  Result<void> finish();

  SqliteConnection& connection() { return connection_; }
  const StoreKeys& keys() const { return keys_; }

 private:
  Result<void> still_open() const;

  SqliteConnection& connection_;
  const StoreKeys& keys_;
  Mode mode_;
  std::optional<Inventory> inventory_;
  bool changed_ = false;
};

}  // namespace deputy::storage
