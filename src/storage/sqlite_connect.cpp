#include "core/secret.hpp"
#include "storage/columns.hpp"
#include "storage/model_rows.hpp"
#include "storage/page.hpp"
#include "storage/sqlite_transaction.hpp"

// Connect sessions, and the events that wait to be delivered by webhook.
namespace deputy::storage {

using namespace registry;

namespace {

Result<Blob> secret_hash_of(const Row& row) {
  Columns columns{tables::connect_sessions, row};
  columns.skip();  // id
  return columns.blob();
}

Blob secret_hash(const ConnectSessionId& id, const SecretString& secret, const StoreKeys& keys) {
  return keys.connect_sessions.of({id.text(), secret.reveal()});
}

Result<std::optional<ConnectSession>> session_from(const std::optional<Row>& row) {
  if (!row) return std::optional<ConnectSession>{};
  DEPUTY_TRY(auto session, connect_session_from(*row));
  return std::optional{std::move(session)};
}

}  // namespace

Result<void> SqliteTransaction::insert(const ConnectSession& session, const SecretString& secret) {
  return rows_.insert(tables::connect_sessions,
                      row_of(session, secret_hash(session.id, secret, rows_.keys())));
}

Result<void> SqliteTransaction::update(const ConnectSession& session) {
  DEPUTY_TRY(const auto row, rows_.find(tables::connect_sessions, {session.id.text()}));
  if (!row) return Error{ErrorKind::internal, "the connect session to be changed is gone"};
  DEPUTY_TRY(const Blob hash, secret_hash_of(*row));
  DEPUTY_TRY(const auto stored, connect_session_from(*row));
  if (stored.tenant_id != session.tenant_id || stored.integration != session.integration)
    return Error{ErrorKind::internal, "a connect session stays with its tenant and its integration"};
  return rows_.update(tables::connect_sessions, row_of(session, hash));
}

Result<std::optional<ConnectSession>> SqliteTransaction::find_connect_session(const ConnectSessionId& id) {
  DEPUTY_TRY(const auto row, rows_.find(tables::connect_sessions, {id.text()}));
  return session_from(row);
}

Result<std::optional<ConnectSession>> SqliteTransaction::find_connect_session(const ConnectSessionId& id,
                                                                              const SecretString& secret) {
  DEPUTY_TRY(const auto row, rows_.find(tables::connect_sessions, {id.text()}));
  const Blob given = secret_hash(id, secret, rows_.keys());
  if (!row) return std::optional<ConnectSession>{};
  DEPUTY_TRY(const Blob kept, secret_hash_of(*row));
  if (!equal_in_constant_time(given.bytes, kept.bytes)) return std::optional<ConnectSession>{};
  return session_from(row);
}

Result<Page<ConnectSession>> SqliteTransaction::list_connect_sessions(const std::optional<TenantId>& tenant,
                                                                      const PageRequest& page) {
  static const std::string all = tables::connect_sessions.select(
      "WHERE (created_at, id) < (?1, ?2) ORDER BY created_at DESC, id DESC LIMIT ?3");
  static const std::string of_tenant = tables::connect_sessions.select(
      "WHERE tenant_id = ?1 AND (created_at, id) < (?2, ?3) ORDER BY created_at DESC, id DESC LIMIT ?4");
  Row leading;
  if (tenant) leading.push_back(column_of(*tenant));
  return page_by_age<ConnectSession, ConnectSessionId>(
      rows_, tables::connect_sessions, tenant ? of_tenant : all, std::move(leading), page,
      connect_session_from, [](const ConnectSession& session) { return session.created_at; });
}

Result<std::size_t> SqliteTransaction::forget_connect_sessions_before(Timestamp time, std::size_t limit) {
  static const std::string sql =
      tables::connect_sessions.select("WHERE created_at < ?1 ORDER BY created_at, id LIMIT ?2");
  DEPUTY_TRY(const auto old, rows_.select(tables::connect_sessions, sql,
                                          {column_of(time), static_cast<std::int64_t>(limit)}));
  for (const Row& row : old) {
    DEPUTY_TRY(rows_.erase(tables::connect_sessions, {row.front()}));
  }
  return old.size();
}

Result<std::optional<WebhookEvent>> SqliteTransaction::first_webhook_event(const std::string& sql,
                                                                           const Row& parameters) {
  DEPUTY_TRY(const auto row, rows_.first(tables::webhook_events, sql, parameters));
  if (!row) return std::optional<WebhookEvent>{};
  DEPUTY_TRY(auto event, webhook_event_from(*row));
  return std::optional{std::move(event)};
}

namespace {

// The oldest waiting event of a connection.
const std::string& first_of_connection() {
  static const std::string sql =
      tables::webhook_events.select("WHERE connection_id = ?1 ORDER BY sequence LIMIT 1");
  return sql;
}

}  // namespace

Result<void> SqliteTransaction::insert(const WebhookEvent& event) {
  DEPUTY_TRY(const auto before, first_webhook_event(first_of_connection(), {event.connection_id.text()}));
  WebhookEvent made = event;
  // Above every one that waits.
  DEPUTY_TRY(made.sequence,
             rows_.connection().number("SELECT COALESCE(MAX(sequence), 0) + 1 FROM webhook_events"));
  made.next_attempt_at = before ? std::nullopt : std::optional{event.created_at};
  return rows_.insert(tables::webhook_events, row_of(made));
}

Result<void> SqliteTransaction::update(const WebhookEvent& event) {
  return rows_.update(tables::webhook_events, row_of(event));
}

Result<void> SqliteTransaction::remove(const WebhookEvent& event) {
  DEPUTY_TRY(rows_.erase(tables::webhook_events, {event.id.text()}));
  DEPUTY_TRY(auto next, first_webhook_event(first_of_connection(), {event.connection_id.text()}));
  if (!next || next->next_attempt_at) return success();
  next->next_attempt_at = next->created_at;
  return update(*next);
}

Result<std::optional<WebhookEvent>> SqliteTransaction::find_webhook_event(const WebhookEventId& id) {
  DEPUTY_TRY(const auto row, rows_.find(tables::webhook_events, {id.text()}));
  if (!row) return std::optional<WebhookEvent>{};
  DEPUTY_TRY(auto event, webhook_event_from(*row));
  return std::optional{std::move(event)};
}

Result<std::vector<WebhookEvent>> SqliteTransaction::due_webhook_events(Timestamp now, std::size_t limit) {
  static const std::string sql = tables::webhook_events.select(
      "WHERE next_attempt_at <= ?1 ORDER BY next_attempt_at, sequence LIMIT ?2");
  constexpr std::size_t most = 1'000;
  DEPUTY_TRY(const auto found,
             rows_.select(tables::webhook_events, sql,
                          {column_of(now), static_cast<std::int64_t>(std::min(limit, most))}));
  std::vector<WebhookEvent> events;
  for (const Row& row : found) {
    DEPUTY_TRY(auto event, webhook_event_from(row));
    events.push_back(std::move(event));
  }
  return events;
}

Result<std::optional<Timestamp>> SqliteTransaction::earliest_webhook_due() {
  static const std::string sql = tables::webhook_events.select(
      "WHERE next_attempt_at IS NOT NULL ORDER BY next_attempt_at, sequence LIMIT 1");
  DEPUTY_TRY(const auto event, first_webhook_event(sql, {}));
  return event ? event->next_attempt_at : std::optional<Timestamp>{};
}

Result<std::optional<WebhookEvent>> SqliteTransaction::oldest_webhook_event() {
  static const std::string sql = tables::webhook_events.select("ORDER BY sequence LIMIT 1");
  return first_webhook_event(sql, {});
}

Result<std::size_t> SqliteTransaction::count_webhook_events() {
  DEPUTY_TRY(Inventory * inventory, rows_.inventory());
  return static_cast<std::size_t>(inventory->table(tables::webhook_events.name()).rows());
}

}  // namespace deputy::storage
