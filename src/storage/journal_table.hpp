#pragma once

#include <cstdint>
#include <string>

#include "journal/journal.hpp"
#include "registry/store.hpp"
#include "storage/authenticated_rows.hpp"

// The journal's entries in their table. A row holds those that one transaction wrote, packed one after the
// other and vouched for by the chain's hash of the last, in place of a mac; the head is in the inventory.
namespace deputy::storage {

// The entries of one transaction on their way into the table.
class JournalWriter {
 public:
  explicit JournalWriter(AuthenticatedRows& rows) : rows_(rows) {}

  // Gives the entry its sequence and its place in the chain. Written with the next `flush`.
  Result<void> append(journal::Entry entry);
  Result<void> flush();

 private:
  AuthenticatedRows& rows_;
  std::string packed_;
  std::int64_t first_ = 0;
};

// Oldest first; every entry is checked against the one before it, the last one against the head.
Result<registry::Page<journal::ChainedEntry>> list_entries(AuthenticatedRows& rows,
                                                           const registry::PageRequest& page);

// Feeds all entries in order. What cannot be read as entries is an error of the verifier's kind.
Result<void> walk_journal(SqliteConnection& connection, journal::ChainVerifier& verifier);

}  // namespace deputy::storage
