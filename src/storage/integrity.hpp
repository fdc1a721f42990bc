#pragma once

#include <optional>

#include "journal/journal.hpp"
#include "storage/sqlite_connection.hpp"
#include "storage/store_keys.hpp"

namespace deputy::storage {

// Reads the whole database in one transaction, a row at a time, and holds it against its inventory and its
// journal; see registry::Store::check_integrity.
Result<journal::Checkpoint> check_integrity(SqliteConnection& connection, const StoreKeys& keys,
                                            const std::optional<journal::Checkpoint>& checkpoint);

}  // namespace deputy::storage
