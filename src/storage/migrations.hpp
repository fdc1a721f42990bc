#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "storage/sqlite_connection.hpp"
#include "storage/store_keys.hpp"

namespace deputy::storage {

// One numbered step of the schema. Steps are only ever added; one that has shipped never changes.
struct Migration {
  int number;
  std::string_view name;
  std::string_view sql;
  // Where a table's columns changed: gives the rows that are there their new mac.
  Result<void> (*rewrite)(SqliteConnection& connection, const StoreKeys& keys) = nullptr;
};
std::span<const Migration> migrations();
int newest_schema();

// `PRAGMA application_id` of Deputy's databases: "DPTY".
inline constexpr std::int64_t application_id = 0x44505459;

// What the file is: 0 for an empty one; an error when it is another program's or a newer Deputy's.
Result<int> schema_of(SqliteConnection& connection);

// Runs the steps after `from` inside the caller's transaction. A file that is not empty needs its keys.
Result<void> migrate(SqliteConnection& connection, int from, const StoreKeys* keys);

// Whether tables, indices and triggers are exactly those that the migrations make: the first that is missing,
// changed or foreign, in words, or nothing.
Result<std::optional<std::string>> schema_difference(SqliteConnection& connection);

}  // namespace deputy::storage
