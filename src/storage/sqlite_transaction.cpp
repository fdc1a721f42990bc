#include "storage/sqlite_transaction.hpp"

#include <fmt/format.h>

#include "storage/columns.hpp"
#include "storage/model_rows.hpp"
#include "storage/page.hpp"

// Tenants, integrations, verifications, issuances, what was requested, and the journal. Connections and keys
// are in files of their own.
namespace deputy::storage {

using namespace registry;

namespace {

// A tenant's requests older than this are forgotten: nobody counts that far back.
constexpr std::chrono::days requests_kept{2};
constexpr std::int64_t forgotten_at_once = 500;

std::int64_t as_limit(std::size_t limit) {
  constexpr std::size_t most = 100'000;
  return static_cast<std::int64_t>(std::min(limit, most));
}

template <class T, class From>
Result<std::optional<T>> object_from(const std::optional<Row>& row, From from) {
  if (!row) return std::optional<T>{};
  DEPUTY_TRY(T object, from(*row));
  return std::optional<T>{std::move(object)};
}

}  // namespace

Result<void> SqliteTransaction::insert(const Tenant& tenant) {
  if (tenant.reference) {
    DEPUTY_TRY(const auto taken, find_tenant_by_reference(*tenant.reference));
    if (taken) return Error{ErrorKind::conflict, "another tenant has that reference"}.with_field("reference");
  }
  return rows_.insert(tables::tenants, row_of(tenant));
}

Result<std::optional<Tenant>> SqliteTransaction::find_tenant(const TenantId& id) {
  DEPUTY_TRY(const auto row, rows_.find(tables::tenants, {id.text()}));
  return object_from<Tenant>(row, tenant_from);
}

Result<std::optional<Tenant>> SqliteTransaction::find_tenant_by_reference(const std::string& reference) {
  static const std::string sql = tables::tenants.select("WHERE reference = ?1");
  DEPUTY_TRY(const auto row, rows_.first(tables::tenants, sql, {reference}));
  return object_from<Tenant>(row, tenant_from);
}

Result<Page<Tenant>> SqliteTransaction::list_tenants(const PageRequest& page) {
  static const std::string sql =
      tables::tenants.select("WHERE (created_at, id) < (?1, ?2) ORDER BY created_at DESC, id DESC LIMIT ?3");
  return page_by_age<Tenant, TenantId>(rows_, tables::tenants, sql, {}, page, tenant_from,
                                       [](const Tenant& tenant) { return tenant.created_at; });
}

Result<void> SqliteTransaction::insert(const Integration& integration) {
  return rows_.insert(tables::integrations, row_of(integration));
}

Result<std::optional<Integration>> SqliteTransaction::find_integration(const IntegrationName& name,
                                                                       std::optional<int> version) {
  static const std::string newest =
      tables::integrations.select("WHERE name = ?1 ORDER BY version DESC LIMIT 1");
  if (version) {
    DEPUTY_TRY(const auto row, rows_.find(tables::integrations, {name.text(), std::int64_t{*version}}));
    return object_from<Integration>(row, integration_from);
  }
  DEPUTY_TRY(const auto row, rows_.first(tables::integrations, newest, {name.text()}));
  return object_from<Integration>(row, integration_from);
}

Result<Page<Integration>> SqliteTransaction::list_integrations(const PageRequest& page) {
  static const std::string sql = tables::integrations.select(
      "AS each WHERE name > ?1 AND version = "
      "(SELECT MAX(version) FROM integrations WHERE name = each.name) ORDER BY name LIMIT ?2");
  return page_by_name<Integration, IntegrationName>(rows_, tables::integrations, sql, page, integration_from);
}

Result<void> SqliteTransaction::insert(const Verification& verification) {
  touched_.connections.push_back(verification.connection_id);
  DEPUTY_TRY(const auto connection, find_connection(verification.connection_id));
  if (!connection)
    return Error{ErrorKind::internal, "the database refused to store that",
                 "a verification of no connection"};
  return rows_.insert(tables::verifications, row_of(verification, connection->tenant_id, rows_.keys()));
}

Result<void> SqliteTransaction::update(const Verification& verification) {
  touched_.connections.push_back(verification.connection_id);
  DEPUTY_TRY(const auto row, rows_.find(tables::verifications, {verification.id.text()}));
  if (!row) return Error{ErrorKind::internal, "the verification to be changed is gone"};
  Columns columns{tables::verifications, *row};
  columns.skip();  // id
  DEPUTY_TRY(const auto connection, columns.parsed<ConnectionId>());
  DEPUTY_TRY(const auto tenant, columns.parsed<TenantId>());
  if (connection != verification.connection_id)
    return Error{ErrorKind::internal, "a verification stays with its connection"};
  return rows_.update(tables::verifications, row_of(verification, tenant, rows_.keys()));
}

Result<std::optional<Verification>> SqliteTransaction::find_verification(const ConnectionId& connection,
                                                                         const VerificationId& id) {
  DEPUTY_TRY(const auto row, rows_.find(tables::verifications, {id.text()}));
  if (!row || (*row)[1] != Value{connection.text()}) return std::optional<Verification>{};
  DEPUTY_TRY(auto verification, verification_from(*row, rows_.keys()));
  return std::optional<Verification>{std::move(verification)};
}

Result<std::vector<Verification>> SqliteTransaction::verifications(const std::string& sql,
                                                                   const Row& parameters) {
  DEPUTY_TRY(const auto found, rows_.select(tables::verifications, sql, parameters));
  std::vector<Verification> result;
  for (const Row& row : found) {
    DEPUTY_TRY(auto verification, verification_from(row, rows_.keys()));
    result.push_back(std::move(verification));
  }
  return result;
}

Result<std::optional<Verification>> SqliteTransaction::running_verification(const ConnectionId& connection) {
  static const std::string sql = tables::verifications.select(
      "WHERE connection_id = ?1 AND done = 0 ORDER BY started_at DESC, id DESC LIMIT 1");
  DEPUTY_TRY(auto found, verifications(sql, {connection.text()}));
  if (found.empty()) return std::optional<Verification>{};
  return std::optional<Verification>{std::move(found.front())};
}

Result<std::vector<Verification>> SqliteTransaction::running_verifications(std::size_t limit) {
  static const std::string sql =
      tables::verifications.select("WHERE done = 0 ORDER BY started_at, id LIMIT ?1");
  return verifications(sql, {as_limit(limit)});
}

Result<Page<Verification>> SqliteTransaction::list_verifications(const ConnectionId& connection,
                                                                 const PageRequest& page) {
  static const std::string sql = tables::verifications.select(
      "WHERE connection_id = ?1 AND (started_at, id) < (?2, ?3) ORDER BY started_at DESC, id DESC LIMIT ?4");
  return page_by_age<Verification, VerificationId>(
      rows_, tables::verifications, sql, {connection.text()}, page,
      [this](const Row& row) { return verification_from(row, rows_.keys()); },
      [](const Verification& verification) { return verification.started_at; });
}

Result<std::size_t> SqliteTransaction::count_requested(const TenantId& tenant, std::string_view what,
                                                       Timestamp since) {
  static const std::string sql = tables::requests.select("WHERE tenant_id = ?1 AND what = ?2 AND at >= ?3");
  DEPUTY_TRY(const auto found,
             rows_.select(tables::requests, sql, {tenant.text(), std::string{what}, column_of(since)}));
  return found.size();
}

Result<void> SqliteTransaction::note_requested(const TenantId& tenant, std::string_view what, Timestamp at) {
  static const std::string old =
      tables::requests.select("WHERE tenant_id = ?1 AND what = ?2 AND at < ?3 LIMIT ?4");
  DEPUTY_TRY(const auto forgotten, rows_.select(tables::requests, old,
                                                {tenant.text(), std::string{what},
                                                 column_of(at - requests_kept), forgotten_at_once}));
  for (const Row& row : forgotten) {
    DEPUTY_TRY(rows_.erase(tables::requests, {row[0]}));
  }
  DEPUTY_TRY(const std::int64_t id,
             rows_.connection().number("SELECT COALESCE(MAX(id), 0) + 1 FROM requests"));
  return rows_.insert(tables::requests, {id, tenant.text(), std::string{what}, column_of(at)});
}

Result<void> SqliteTransaction::put(const Workload& workload) {
  touched_.workloads.push_back(workload.name);
  DEPUTY_TRY(const auto row, rows_.find(tables::workloads, {workload.name.text()}));
  return row ? rows_.update(tables::workloads, row_of(workload))
             : rows_.insert(tables::workloads, row_of(workload));
}

Result<std::optional<Workload>> SqliteTransaction::find_workload(const WorkloadName& name) {
  DEPUTY_TRY(const auto row, rows_.find(tables::workloads, {name.text()}));
  return object_from<Workload>(row, workload_from);
}

Result<Page<Workload>> SqliteTransaction::list_workloads(const PageRequest& page) {
  static const std::string sql = tables::workloads.select("WHERE name > ?1 ORDER BY name LIMIT ?2");
  return page_by_name<Workload, WorkloadName>(rows_, tables::workloads, sql, page, workload_from);
}

Result<void> SqliteTransaction::insert(const Issuance& issuance) {
  return issuances_.append(issuance);
}

Result<Page<Issuance>> SqliteTransaction::list_issuances(const ConnectionId& connection,
                                                         const PageRequest& page) {
  DEPUTY_TRY(flush());
  // In a transaction that writes, what is in memory is not all.
  const bool reads = mode_ == AuthenticatedRows::Mode::read;
  return storage::list_issuances(rows_, reads ? places_ : nullptr, connection, page);
}

Result<void> SqliteTransaction::flush() {
  DEPUTY_TRY(issuances_.flush());
  return journal_.flush();
}

Result<void> SqliteTransaction::finish() {
  DEPUTY_TRY(flush());
  DEPUTY_TRY(issuances_.write_share());
  return rows_.finish();
}

Result<std::optional<IdempotencyRecord>> SqliteTransaction::find_idempotency(const std::string& scope,
                                                                             const std::string& key) {
  DEPUTY_TRY(const auto row, rows_.find(tables::idempotency, {rows_.keys().idempotency.of({scope, key})}));
  if (!row) return std::optional<IdempotencyRecord>{};
  Columns columns{tables::idempotency, *row};
  columns.skip();  // request_hash
  DEPUTY_TRY(auto fingerprint, columns.text());
  DEPUTY_TRY(auto object_id, columns.text());
  return std::optional<IdempotencyRecord>{IdempotencyRecord{std::move(fingerprint), std::move(object_id)}};
}

Result<void> SqliteTransaction::insert_idempotency(const Idempotency& idempotency,
                                                   const std::string& object_id, Timestamp at) {
  return rows_.insert(tables::idempotency, {rows_.keys().idempotency.of({idempotency.scope, idempotency.key}),
                                            idempotency.fingerprint, object_id, column_of(at)});
}

Result<void> SqliteTransaction::forget_idempotency_before(Timestamp time) {
  static const std::string sql = tables::idempotency.select("WHERE at < ?1 LIMIT ?2");
  for (;;) {
    DEPUTY_TRY(const auto old, rows_.select(tables::idempotency, sql, {column_of(time), forgotten_at_once}));
    if (old.empty()) return success();
    for (const Row& row : old) {
      DEPUTY_TRY(rows_.erase(tables::idempotency, {row[0]}));
    }
  }
}

std::string SqliteTransaction::journal_mark(std::string_view kind, std::string_view value) {
  constexpr std::size_t bytes_shown = 16;
  const Blob hash = rows_.keys().journal_marks.of({std::string{kind}, std::string{value}});
  std::string mark;
  for (const char c : std::string_view{hash.bytes}.substr(0, bytes_shown))
    mark += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return mark;
}

Result<void> SqliteTransaction::append(const journal::Entry& entry) {
  return journal_.append(entry);
}

Result<Page<journal::ChainedEntry>> SqliteTransaction::list_journal(const PageRequest& page) {
  DEPUTY_TRY(flush());
  return list_entries(rows_, page);
}

Result<std::optional<journal::Checkpoint>> SqliteTransaction::journal_head() {
  DEPUTY_TRY(Inventory * inventory, rows_.inventory());
  const journal::Checkpoint& head = inventory->journal_head();
  return head.sequence == 0 ? std::optional<journal::Checkpoint>{} : std::optional{head};
}

}  // namespace deputy::storage
