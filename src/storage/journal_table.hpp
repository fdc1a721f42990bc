#pragma once

#include <functional>

#include "journal/journal.hpp"
#include "registry/store.hpp"
#include "storage/authenticated_rows.hpp"

// The journal's entries in their table. They carry the chain's hash in place of a mac; the head is in the
// inventory.
namespace deputy::storage {

Result<void> append_entry(AuthenticatedRows& rows, journal::Entry entry);

// Oldest first; every entry is checked against the one before it, the last one against the head.
Result<registry::Page<journal::ChainedEntry>> list_entries(AuthenticatedRows& rows,
                                                           const registry::PageRequest& page);

// All entries in order, one by one.
Result<void> for_each_entry(SqliteConnection& connection,
                            const std::function<Result<void>(const journal::ChainedEntry&)>& each);

}  // namespace deputy::storage
