#pragma once

#include "storage/sqlite_connection.hpp"
#include "storage/store_keys.hpp"
#include "storage/table.hpp"

// Migrations that change a table's columns: every row that is there is read as it was authenticated, and
// written with the new columns under a new mac, inside the caller's transaction.
namespace deputy::storage {

// The table as the first schema had it.
const Table& connections_of_schema_1();

// Connections that were active or whose account is known speak for it since they were made.
Result<void> add_account_claims(SqliteConnection& connection, const StoreKeys& keys);

}  // namespace deputy::storage
