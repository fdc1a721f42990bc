#include "storage/integrity.hpp"

#include <fmt/format.h>

#include "storage/authenticated_rows.hpp"
#include "storage/inventory.hpp"
#include "storage/issuance_table.hpp"
#include "storage/journal_table.hpp"
#include "storage/migrations.hpp"
#include "storage/table.hpp"

namespace deputy::storage {

namespace {

Error finding(std::string message) {
  return Error{ErrorKind::conflict, std::move(message)};
}

// A row that is not authentic is what was looked for; a disk that fails is not.
Error as_finding(const Error& error) {
  if (error.kind == ErrorKind::internal && !error.detail.empty()) return finding(error.detail);
  return error;
}

// SQLite's own check: pages, and indices against their tables, so that no index can hide a row.
Result<void> check_pages(SqliteConnection& connection) {
  static const std::string sql = "PRAGMA integrity_check(1)";
  DEPUTY_TRY(const auto rows, connection.query(sql, {}));
  if (rows.size() == 1 && !rows[0].empty() && rows[0][0] == Value{std::string{"ok"}}) return success();
  return finding("the database file is damaged: its pages or indices do not hold together");
}

Result<void> check_table(SqliteConnection& connection, const StoreKeys& keys, const Table& table,
                         const TableDigest& expected) {
  TableDigest found;
  DEPUTY_TRY(connection.for_each(table.select("NOT INDEXED"), {}, [&](const Row& row) -> Result<void> {
    if (auto checked = authentic(keys, table, row); !checked) return as_finding(checked.error());
    found.add(keys.digests, std::get<Blob>(row.back()));
    return success();
  }));
  if (found == expected) return success();
  return finding(fmt::format("table {} holds {} rows where the inventory says {}: rows were {}", table.name(),
                             found.rows(), expected.rows(),
                             found.rows() < expected.rows()   ? "removed"
                             : found.rows() > expected.rows() ? "added"
                                                              : "put back to an older state"));
}

}  // namespace

Result<journal::Checkpoint> check_integrity(SqliteConnection& connection, const StoreKeys& keys,
                                            const std::optional<journal::Checkpoint>& checkpoint) {
  DEPUTY_TRY(const TransactionScope scope, TransactionScope::begin(connection, false));
  DEPUTY_TRY(const auto difference, schema_difference(connection));
  if (difference) return finding("the database's schema was tampered with: " + *difference);
  DEPUTY_TRY(check_pages(connection));
  auto inventory = Inventory::load(connection, keys.sealer);
  if (!inventory) return as_finding(inventory.error());
  for (const Table* table : authenticated_tables()) {
    DEPUTY_TRY(check_table(connection, keys, *table, inventory.value().table(table->name())));
  }
  journal::ChainVerifier verifier{keys.journal, checkpoint};
  if (auto walked = walk_journal(connection, verifier); !walked) return as_finding(walked.error());
  if (auto places = check_places(connection); !places) return as_finding(places.error());
  return verifier.finish(inventory.value().journal_head());
}

}  // namespace deputy::storage
