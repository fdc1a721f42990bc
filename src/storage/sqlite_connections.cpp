#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "core/ascii.hpp"
#include "storage/columns.hpp"
#include "storage/model_rows.hpp"
#include "storage/page.hpp"
#include "storage/sqlite_transaction.hpp"

// Connections, the external IDs that were issued to them, and keys.
namespace deputy::storage {

using namespace registry;

namespace {

// Index of external IDs: two that differ only in case are one.
Blob external_id_hash(const ExternalId& id, const StoreKeys& keys) {
  return keys.external_ids.of({to_lower(id.text())});
}

Blob secret_hash(const SecretString& secret, const StoreKeys& keys) {
  return keys.api_keys.of_bytes(secret.reveal());
}

std::int64_t as_limit(std::size_t limit) {
  constexpr std::size_t most = 100'000;
  return static_cast<std::int64_t>(std::min(limit, most));
}

}  // namespace

Result<void> SqliteTransaction::claim_external_id(const ExternalId& id, const ConnectionId& owner) {
  const Blob hash = external_id_hash(id, rows_.keys());
  DEPUTY_TRY(const auto taken, rows_.find(tables::issued_external_ids, {hash}));
  if (taken) return Error{ErrorKind::conflict, "that external ID was issued before"};
  return rows_.insert(tables::issued_external_ids, {hash, owner.text()});
}

Result<void> SqliteTransaction::claimed(const std::optional<ExternalId>& id, const ConnectionId& owner) {
  if (!id) return success();
  DEPUTY_TRY(const auto row, rows_.find(tables::issued_external_ids, {external_id_hash(*id, rows_.keys())}));
  if (row && (*row)[1] == Value{owner.text()}) return success();
  return Error{ErrorKind::internal, "the database refused to store that",
               "an external ID that was not claimed for connection " + owner.text()};
}

Result<void> SqliteTransaction::all_claimed(const Connection& connection) {
  DEPUTY_TRY(claimed(connection.external_id, connection.id));
  if (!connection.rotation) return success();
  DEPUTY_TRY(claimed(connection.rotation->next_external_id, connection.id));
  return claimed(connection.rotation->previous_external_id, connection.id);
}

Result<void> SqliteTransaction::insert(const Connection& connection) {
  touched_.connections.push_back(connection.id);
  DEPUTY_TRY(all_claimed(connection));
  return rows_.insert(tables::connections, row_of(connection, rows_.keys()));
}

Result<void> SqliteTransaction::update(const Connection& connection) {
  touched_.connections.push_back(connection.id);
  DEPUTY_TRY(const auto stored, find_connection(connection.id));
  if (!stored) return Error{ErrorKind::internal, "the connection to be changed is gone"};
  if (stored->revision != connection.revision)
    return Error{ErrorKind::conflict, "the connection was changed meanwhile: read it again"};
  if (stored->tenant_id != connection.tenant_id || stored->created_at != connection.created_at)
    return Error{ErrorKind::internal, "a connection stays with its tenant"};
  DEPUTY_TRY(all_claimed(connection));
  Connection next = connection;
  ++next.revision;
  return rows_.update(tables::connections, row_of(next, rows_.keys()));
}

Result<std::optional<Connection>> SqliteTransaction::find_connection(const ConnectionId& id) {
  DEPUTY_TRY(const auto row, rows_.find(tables::connections, {id.text()}));
  if (!row) return std::optional<Connection>{};
  DEPUTY_TRY(auto connection, connection_from(*row, rows_.keys()));
  return std::optional<Connection>{std::move(connection)};
}

Result<Page<Connection>> SqliteTransaction::list_connections(const ConnectionFilter& filter,
                                                             const PageRequest& page) {
  static const std::string all = tables::connections.select(
      "WHERE (created_at, id) < (?1, ?2) ORDER BY created_at DESC, id DESC LIMIT ?3");
  static const std::string of_tenant = tables::connections.select(
      "WHERE tenant_id = ?1 AND (created_at, id) < (?2, ?3) ORDER BY created_at DESC, id DESC LIMIT ?4");
  static const std::string in_state = tables::connections.select(
      "WHERE state = ?1 AND (created_at, id) < (?2, ?3) ORDER BY created_at DESC, id DESC LIMIT ?4");
  static const std::string of_tenant_in_state = tables::connections.select(
      "WHERE tenant_id = ?1 AND state = ?2 AND (created_at, id) < (?3, ?4) "
      "ORDER BY created_at DESC, id DESC LIMIT ?5");
  Row leading;
  if (filter.tenant_id) leading.push_back(column_of(*filter.tenant_id));
  if (filter.state) leading.push_back(column_of(to_text(*filter.state)));
  const std::string& sql =
      filter.tenant_id ? (filter.state ? of_tenant_in_state : of_tenant) : (filter.state ? in_state : all);
  return page_by_age<Connection, ConnectionId>(
      rows_, tables::connections, sql, std::move(leading), page,
      [this](const Row& row) { return connection_from(row, rows_.keys()); },
      [](const Connection& connection) { return connection.created_at; });
}

Result<std::vector<Connection>> SqliteTransaction::connections(const std::string& sql,
                                                               const Row& parameters) {
  DEPUTY_TRY(const auto found, rows_.select(tables::connections, sql, parameters));
  std::vector<Connection> result;
  result.reserve(found.size());
  for (const Row& row : found) {
    DEPUTY_TRY(auto connection, connection_from(row, rows_.keys()));
    result.push_back(std::move(connection));
  }
  return result;
}

// State by state, so that each reads no more rows than it gives.
Result<std::vector<Connection>> SqliteTransaction::connections_of(const TenantId& tenant,
                                                                  const IntegrationName& integration,
                                                                  std::span<const ConnectionState> states,
                                                                  std::size_t limit) {
  static const std::string sql = tables::connections.select(
      "WHERE tenant_id = ?1 AND integration = ?2 AND state = ?3 ORDER BY created_at DESC, id DESC LIMIT ?4");
  std::vector<Connection> found;
  for (const ConnectionState state : states) {
    DEPUTY_TRY(auto some, connections(sql, {column_of(tenant), column_of(integration),
                                            column_of(to_text(state)), as_limit(limit)}));
    std::ranges::move(some, std::back_inserter(found));
  }
  std::ranges::sort(found, std::greater<>{}, [](const Connection& connection) {
    return std::pair{connection.created_at, connection.id};
  });
  if (found.size() > limit) found.erase(found.begin() + static_cast<std::ptrdiff_t>(limit), found.end());
  return found;
}

Result<std::vector<Connection>> SqliteTransaction::connections_holding(const AccountId& account,
                                                                       std::size_t limit) {
  static const std::string sql =
      tables::connections.select("WHERE held_account_hash = ?1 ORDER BY id LIMIT ?2");
  return connections(sql, {account_hash(account, rows_.keys()), as_limit(limit)});
}

Result<std::optional<Connection>> SqliteTransaction::first_to_claim(const AccountId& account) {
  static const std::string sql =
      tables::connections.select("WHERE claimed_account_hash = ?1 ORDER BY account_claimed_at, id LIMIT 1");
  DEPUTY_TRY(auto found, connections(sql, {account_hash(account, rows_.keys())}));
  return found.empty() ? std::optional<Connection>{} : std::optional{std::move(found.front())};
}

Result<std::vector<Connection>> SqliteTransaction::due_connections(Timestamp now, std::size_t limit) {
  static const std::string sql = tables::connections.select(
      "WHERE next_verification_at <= ?1 ORDER BY next_verification_at, id LIMIT ?2");
  return connections(sql, {column_of(now), as_limit(limit)});
}

Result<std::map<registry::ConnectionState, std::size_t>> SqliteTransaction::count_connections() {
  DEPUTY_TRY(const auto rows,
             rows_.connection().query("SELECT state, COUNT(*) FROM connections GROUP BY state", {}));
  std::map<registry::ConnectionState, std::size_t> counts;
  for (const Row& row : rows) {
    const auto* const state = std::get_if<std::string>(&row.at(0));
    const auto* const count = std::get_if<std::int64_t>(&row.at(1));
    if (state == nullptr || count == nullptr)
      return Error{ErrorKind::internal, "a count of connections is no count"};
    DEPUTY_TRY(const auto parsed, registry::parse_enum<registry::ConnectionState>(*state));
    counts[parsed] = static_cast<std::size_t>(*count);
  }
  return counts;
}

Result<std::optional<Timestamp>> SqliteTransaction::earliest_due() {
  static const std::string sql = tables::connections.select(
      "WHERE next_verification_at IS NOT NULL ORDER BY next_verification_at, id LIMIT 1");
  DEPUTY_TRY(const auto found, connections(sql, {}));
  return found.empty() ? std::optional<Timestamp>{} : found.front().next_verification_at;
}

Result<void> SqliteTransaction::insert(const Key& key, const SecretString& secret) {
  touched_.keys.push_back(key.id);
  return rows_.insert(tables::keys, row_of(key, secret_hash(secret, rows_.keys())));
}

Result<void> SqliteTransaction::update(const Key& key) {
  touched_.keys.push_back(key.id);
  DEPUTY_TRY(const auto row, rows_.find(tables::keys, {key.id.text()}));
  if (!row) return Error{ErrorKind::internal, "the key to be changed is gone"};
  Columns columns{tables::keys, *row};
  columns.skip();  // id
  DEPUTY_TRY(const Blob hash, columns.blob());
  return rows_.update(tables::keys, row_of(key, hash));
}

Result<std::optional<Key>> SqliteTransaction::find_key(const KeyId& id) {
  DEPUTY_TRY(const auto row, rows_.find(tables::keys, {id.text()}));
  if (!row) return std::optional<Key>{};
  DEPUTY_TRY(auto key, key_from(*row));
  return std::optional<Key>{std::move(key)};
}

Result<std::optional<Key>> SqliteTransaction::find_key_by_secret(const SecretString& secret) {
  static const std::string sql = tables::keys.select("WHERE secret_hash = ?1");
  const Blob hash = secret_hash(secret, rows_.keys());
  DEPUTY_TRY(const auto row, rows_.first(tables::keys, sql, {hash}));
  // A damaged index must not lead to another's key.
  if (!row || (*row)[1] != Value{hash}) return std::optional<Key>{};
  DEPUTY_TRY(auto key, key_from(*row));
  return std::optional<Key>{std::move(key)};
}

Result<Page<Key>> SqliteTransaction::list_keys(const PageRequest& page) {
  static const std::string sql =
      tables::keys.select("WHERE (created_at, id) < (?1, ?2) ORDER BY created_at DESC, id DESC LIMIT ?3");
  return page_by_age<Key, KeyId>(rows_, tables::keys, sql, {}, page, key_from,
                                 [](const Key& key) { return key.created_at; });
}

Result<LiveKeys> SqliteTransaction::count_live_keys_made_with(const KeyId& maker, Timestamp now) {
  static const std::string sql =
      "SELECT COUNT(*), MIN(expires_at) FROM keys WHERE made_with = ?1 AND expires_at > ?2 AND revoked_at IS "
      "NULL";
  DEPUTY_TRY(const auto rows, rows_.connection().query(sql, {maker.text(), column_of(now)}));
  const auto* const count = rows.size() == 1 ? std::get_if<std::int64_t>(&rows[0].at(0)) : nullptr;
  if (count == nullptr) return Error{ErrorKind::internal, "a count of keys is no count"};
  LiveKeys live{.count = static_cast<std::size_t>(*count), .first_expiry = std::nullopt};
  if (const auto* const first = std::get_if<std::int64_t>(&rows[0].at(1)))
    live.first_expiry = Timestamp{std::chrono::microseconds{*first}};
  return live;
}

// A key is never older than the one it was made with, so that what was made goes before its maker.
Result<void> SqliteTransaction::forget_narrowed_keys_expired_before(Timestamp time, std::size_t limit) {
  static const std::string sql = tables::keys.select(
      "WHERE connection_id IS NOT NULL AND expires_at < ?1 ORDER BY expires_at, created_at DESC LIMIT ?2");
  DEPUTY_TRY(const auto expired, rows_.select(tables::keys, sql, {column_of(time), as_limit(limit)}));
  for (const Row& row : expired) {
    DEPUTY_TRY(const auto key, key_from(row));
    touched_.keys.push_back(key.id);
    DEPUTY_TRY(rows_.erase(tables::keys, {row[0]}));
  }
  return success();
}

}  // namespace deputy::storage
