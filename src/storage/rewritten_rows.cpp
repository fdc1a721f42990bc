#include "storage/rewritten_rows.hpp"

#include <utility>

#include "storage/authenticated_rows.hpp"
#include "storage/model_rows.hpp"

namespace deputy::storage {
namespace {

constexpr std::int64_t rows_at_once = 500;

Result<Row> with_claim(Row row, const StoreKeys& keys) {
  row.resize(tables::connections.columns().size());  // NULL in the new columns
  DEPUTY_TRY(auto connection, connection_from(row, keys));
  const bool over = connection.state == registry::ConnectionState::disconnected;
  if (!over && (connection.holds_account || connection.account_id))
    connection.account_claimed_at = connection.created_at;
  return row_of(connection, keys);
}

}  // namespace

const Table& connections_of_schema_1() {
  static const Table table{"connections",
                           1,
                           {"id",
                            "tenant_id",
                            "integration",
                            "integration_version",
                            "account_id",
                            "external_id",
                            "rotation_state",
                            "rotation_next_external_id",
                            "rotation_previous_external_id",
                            "rotation_verified_at",
                            "rotation_retire_by",
                            "role_arn",
                            "held_account_hash",
                            "state",
                            "proof",
                            "binding_version",
                            "verified_at",
                            "last_verification_id",
                            "last_verification_outcome",
                            "last_verification_finished_at",
                            "next_verification_at",
                            "revision",
                            "created_at",
                            "updated_at"}};
  return table;
}

Result<void> add_account_claims(SqliteConnection& connection, const StoreKeys& keys) {
  const Table& before = connections_of_schema_1();
  const Table& now = tables::connections;
  static const std::string sql = before.select("WHERE id > ?1 ORDER BY id LIMIT ?2");
  AuthenticatedRows rows{connection, keys, AuthenticatedRows::Mode::write};
  DEPUTY_TRY(Inventory * inventory, rows.inventory_to_change());
  TableDigest& digest = inventory->table(now.name());
  for (Value last = std::string{};;) {
    DEPUTY_TRY(auto found, rows.select(before, sql, {last, rows_at_once}));
    if (found.empty()) return rows.finish();
    last = found.back().front();
    for (Row& old : found) {
      digest.remove(keys.digests, row_mac(keys, before, old));
      DEPUTY_TRY(Row made, with_claim(std::move(old), keys));
      const Blob mac = row_mac(keys, now, made);
      digest.add(keys.digests, mac);
      made.emplace_back(mac);
      DEPUTY_TRY(connection.run(now.update(), made));
    }
  }
}

}  // namespace deputy::storage
