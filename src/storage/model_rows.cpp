#include "storage/model_rows.hpp"

#include "storage/columns.hpp"
#include "storage/json_columns.hpp"
#include "storage/table.hpp"

namespace deputy::storage {

using namespace registry;

namespace {

// Seals and opens the columns of one row.
struct SealedRow {
  const StoreKeys& keys;
  std::string_view table, row, connection, tenant;

  SealedPlace place(std::string_view column) const { return {table, column, row, connection, tenant}; }
  Value seal(std::string_view column, std::string_view text) const {
    return keys.sealer.seal(text, place(column));
  }
  template <class T>
  Value seal_optional(std::string_view column, const std::optional<T>& value) const {
    return value ? seal(column, value->text()) : Value{};
  }
  template <class T>
  Result<T> open(Columns& columns, std::string_view column) const {
    return columns.unsealed_as<T>(keys.sealer, place(column));
  }
  template <class T>
  Result<std::optional<T>> open_optional(Columns& columns, std::string_view column) const {
    return columns.optional([&] { return open<T>(columns, column); });
  }
};

Result<std::optional<Rotation>> rotation_from(Columns& columns, const SealedRow& sealed) {
  DEPUTY_TRY(const auto state, columns.optional([&] { return columns.enumerated<RotationState>(); }));
  DEPUTY_TRY(auto next, sealed.open_optional<ExternalId>(columns, "rotation_next_external_id"));
  DEPUTY_TRY(auto previous, sealed.open_optional<ExternalId>(columns, "rotation_previous_external_id"));
  DEPUTY_TRY(const auto verified_at, columns.optional_time());
  DEPUTY_TRY(const auto retire_by, columns.optional_time());
  if (!state) return std::optional<Rotation>{};
  return std::optional<Rotation>{Rotation{.state = *state,
                                          .next_external_id = std::move(next),
                                          .previous_external_id = std::move(previous),
                                          .verified_at = verified_at,
                                          .retire_by = retire_by}};
}

Result<std::optional<LastVerification>> last_verification_from(Columns& columns) {
  DEPUTY_TRY(auto id, columns.optional([&] { return columns.parsed<VerificationId>(); }));
  DEPUTY_TRY(const auto outcome, columns.optional([&] { return columns.enumerated<VerificationOutcome>(); }));
  DEPUTY_TRY(const auto finished_at, columns.optional_time());
  if (!id || !outcome || !finished_at) return std::optional<LastVerification>{};
  return std::optional<LastVerification>{LastVerification{*std::move(id), *outcome, *finished_at}};
}

}  // namespace

Row row_of(const Tenant& tenant) {
  return {column_of(tenant.id), column_of(tenant.name), column_of(tenant.reference),
          column_of(tenant.created_at)};
}

Result<Tenant> tenant_from(const Row& row) {
  Columns columns{tables::tenants, row};
  DEPUTY_TRY(auto id, columns.parsed<TenantId>());
  DEPUTY_TRY(auto name, columns.text());
  DEPUTY_TRY(auto reference, columns.optional_text());
  DEPUTY_TRY(const auto created_at, columns.time());
  return Tenant{std::move(id), std::move(name), std::move(reference), created_at};
}

Row row_of(const Integration& integration) {
  return {column_of(integration.name),
          column_of(integration.version),
          column_of(integration.description),
          column_of(integration.policy),
          column_of(to_json(integration.reasons)),
          column_of(integration.role_name),
          column_of(to_text(integration.trust_form)),
          column_of(integration.require_proof),
          integration.logs ? column_of(to_json(*integration.logs)) : Value{},
          column_of(integration.accept_risk),
          column_of(integration.created_at)};
}

Result<Integration> integration_from(const Row& row) {
  Columns columns{tables::integrations, row};
  DEPUTY_TRY(auto name, columns.parsed<IntegrationName>());
  DEPUTY_TRY(const auto version, columns.integer());
  DEPUTY_TRY(auto description, columns.text());
  DEPUTY_TRY(auto policy, columns.text());
  DEPUTY_TRY(const auto reasons_json, columns.text());
  DEPUTY_TRY(auto reasons, reasons_from_json(reasons_json));
  DEPUTY_TRY(auto role_name, columns.optional_text());
  DEPUTY_TRY(const auto trust_form, columns.enumerated<TrustForm>());
  DEPUTY_TRY(const auto require_proof, columns.flag());
  DEPUTY_TRY(const auto logs_json, columns.optional_text());
  std::optional<LogSelection> logs;
  if (logs_json) {
    DEPUTY_TRY(logs, logs_from_json(*logs_json));
  }
  DEPUTY_TRY(auto accept_risk, columns.optional_text());
  DEPUTY_TRY(const auto created_at, columns.time());
  return Integration{.name = std::move(name),
                     .version = static_cast<int>(version),
                     .description = std::move(description),
                     .policy = std::move(policy),
                     .reasons = std::move(reasons),
                     .role_name = std::move(role_name),
                     .trust_form = trust_form,
                     .require_proof = require_proof,
                     .logs = std::move(logs),
                     .accept_risk = std::move(accept_risk),
                     .created_at = created_at};
}

Blob account_hash(const AccountId& account, const StoreKeys& keys) {
  return keys.accounts.of({account.text()});
}

namespace {

// The account that a connection speaks for: a role is in the account that was named, if one was.
std::optional<AccountId> claimed_account(const Connection& connection) {
  if (!connection.account_claimed_at) return std::nullopt;
  if (connection.account_id || !connection.role_arn) return connection.account_id;
  return connection.role_arn->account();
}

}  // namespace

Row row_of(const Connection& connection, const StoreKeys& keys) {
  const SealedRow sealed{keys, tables::connections.name(), connection.id.text(), connection.id.text(),
                         connection.tenant_id.text()};
  const std::optional<Rotation>& rotation = connection.rotation;
  const std::optional<LastVerification>& last = connection.last_verification;
  const auto claimed = claimed_account(connection);
  return {column_of(connection.id),
          column_of(connection.tenant_id),
          column_of(connection.integration),
          column_of(connection.integration_version),
          column_of(connection.account_id),
          sealed.seal("external_id", connection.external_id.text()),
          rotation ? column_of(to_text(rotation->state)) : Value{},
          rotation ? sealed.seal_optional("rotation_next_external_id", rotation->next_external_id) : Value{},
          rotation ? sealed.seal_optional("rotation_previous_external_id", rotation->previous_external_id)
                   : Value{},
          rotation ? column_of(rotation->verified_at) : Value{},
          rotation ? column_of(rotation->retire_by) : Value{},
          sealed.seal_optional("role_arn", connection.role_arn),
          connection.holds_account && connection.role_arn
              ? Value{account_hash(connection.role_arn->account(), keys)}
              : Value{},
          column_of(to_text(connection.state)),
          column_of(to_text(connection.proof)),
          column_of(connection.binding_version),
          column_of(connection.verified_at),
          last ? column_of(last->id) : Value{},
          last ? column_of(to_text(last->outcome)) : Value{},
          last ? column_of(last->finished_at) : Value{},
          column_of(connection.next_verification_at),
          column_of(connection.revision),
          column_of(connection.created_at),
          column_of(connection.updated_at),
          claimed ? Value{account_hash(*claimed, keys)} : Value{},
          claimed ? column_of(connection.account_claimed_at) : Value{}};
}

Result<Connection> connection_from(const Row& row, const StoreKeys& keys) {
  Columns columns{tables::connections, row};
  DEPUTY_TRY(auto id, columns.parsed<ConnectionId>());
  DEPUTY_TRY(auto tenant_id, columns.parsed<TenantId>());
  const SealedRow sealed{keys, tables::connections.name(), id.text(), id.text(), tenant_id.text()};
  DEPUTY_TRY(auto integration, columns.parsed<IntegrationName>());
  DEPUTY_TRY(const auto integration_version, columns.integer());
  DEPUTY_TRY(auto account_id, columns.optional([&] { return columns.parsed<AccountId>(); }));
  DEPUTY_TRY(auto external_id, sealed.open<ExternalId>(columns, "external_id"));
  DEPUTY_TRY(auto rotation, rotation_from(columns, sealed));
  DEPUTY_TRY(auto role_arn, sealed.open_optional<RoleArn>(columns, "role_arn"));
  DEPUTY_TRY(const auto held_account_hash, columns.optional([&] { return columns.blob(); }));
  DEPUTY_TRY(const auto state, columns.enumerated<ConnectionState>());
  DEPUTY_TRY(const auto proof, columns.enumerated<Proof>());
  DEPUTY_TRY(const auto binding_version, columns.integer());
  DEPUTY_TRY(const auto verified_at, columns.optional_time());
  DEPUTY_TRY(auto last_verification, last_verification_from(columns));
  DEPUTY_TRY(const auto next_verification_at, columns.optional_time());
  DEPUTY_TRY(const auto revision, columns.integer());
  DEPUTY_TRY(const auto created_at, columns.time());
  DEPUTY_TRY(const auto updated_at, columns.time());
  columns.skip();  // claimed_account_hash
  DEPUTY_TRY(const auto account_claimed_at, columns.optional_time());
  return Connection{.id = std::move(id),
                    .tenant_id = std::move(tenant_id),
                    .integration = std::move(integration),
                    .integration_version = static_cast<int>(integration_version),
                    .account_id = std::move(account_id),
                    .external_id = std::move(external_id),
                    .rotation = std::move(rotation),
                    .role_arn = std::move(role_arn),
                    .holds_account = held_account_hash.has_value(),
                    .account_claimed_at = account_claimed_at,
                    .state = state,
                    .proof = proof,
                    .binding_version = binding_version,
                    .verified_at = verified_at,
                    .last_verification = std::move(last_verification),
                    .next_verification_at = next_verification_at,
                    .revision = revision,
                    .created_at = created_at,
                    .updated_at = updated_at};
}

Row row_of(const Verification& verification, const TenantId& tenant, const StoreKeys& keys) {
  const SealedRow sealed{keys, tables::verifications.name(), verification.id.text(),
                         verification.connection_id.text(), tenant.text()};
  return {column_of(verification.id),
          column_of(verification.connection_id),
          column_of(tenant),
          sealed.seal("role_arn", verification.role_arn.text()),
          sealed.seal("partner_principal", verification.partner_principal.text()),
          column_of(verification.binding_version),
          column_of(verification.integration_version),
          column_of(verification.done),
          verification.outcome ? column_of(to_text(*verification.outcome)) : Value{},
          column_of(to_text(verification.proof)),
          column_of(verification.started_at),
          column_of(verification.finished_at),
          sealed.seal("checks", to_json(verification.checks))};
}

Result<Verification> verification_from(const Row& row, const StoreKeys& keys) {
  Columns columns{tables::verifications, row};
  DEPUTY_TRY(auto id, columns.parsed<VerificationId>());
  DEPUTY_TRY(auto connection_id, columns.parsed<ConnectionId>());
  DEPUTY_TRY(const auto tenant, columns.parsed<TenantId>());
  const SealedRow sealed{keys, tables::verifications.name(), id.text(), connection_id.text(), tenant.text()};
  DEPUTY_TRY(auto role_arn, sealed.open<RoleArn>(columns, "role_arn"));
  DEPUTY_TRY(auto partner_principal, sealed.open<RoleArn>(columns, "partner_principal"));
  DEPUTY_TRY(const auto binding_version, columns.integer());
  DEPUTY_TRY(const auto integration_version, columns.integer());
  DEPUTY_TRY(const auto done, columns.flag());
  DEPUTY_TRY(const auto outcome, columns.optional([&] { return columns.enumerated<VerificationOutcome>(); }));
  DEPUTY_TRY(const auto proof, columns.enumerated<Proof>());
  DEPUTY_TRY(const auto started_at, columns.time());
  DEPUTY_TRY(const auto finished_at, columns.optional_time());
  DEPUTY_TRY(const auto checks_json, columns.unsealed(keys.sealer, sealed.place("checks")));
  DEPUTY_TRY(auto checks, checks_from_json(checks_json));
  return Verification{.id = std::move(id),
                      .connection_id = std::move(connection_id),
                      .role_arn = std::move(role_arn),
                      .partner_principal = std::move(partner_principal),
                      .binding_version = binding_version,
                      .integration_version = static_cast<int>(integration_version),
                      .done = done,
                      .outcome = outcome,
                      .proof = proof,
                      .started_at = started_at,
                      .finished_at = finished_at,
                      .checks = std::move(checks)};
}

Row row_of(const Workload& workload) {
  return {column_of(workload.name), column_of(to_json(workload.grants))};
}

Result<Workload> workload_from(const Row& row) {
  Columns columns{tables::workloads, row};
  DEPUTY_TRY(auto name, columns.parsed<WorkloadName>());
  DEPUTY_TRY(const auto grants_json, columns.text());
  DEPUTY_TRY(auto grants, grants_from_json(grants_json));
  return Workload{std::move(name), std::move(grants)};
}

Row row_of(const Key& key, const Blob& secret_hash) {
  return {column_of(key.id),
          secret_hash,
          column_of(to_text(key.role)),
          column_of(key.workload),
          column_of(key.connection_id),
          column_of(key.created_at),
          column_of(key.expires_at),
          column_of(key.revoked_at),
          column_of(key.last_used_at),
          column_of(key.made_with)};
}

Result<Key> key_from(const Row& row) {
  Columns columns{tables::keys, row};
  DEPUTY_TRY(auto id, columns.parsed<KeyId>());
  columns.skip();  // secret_hash
  DEPUTY_TRY(const auto role, columns.enumerated<KeyRole>());
  DEPUTY_TRY(auto workload, columns.optional([&] { return columns.parsed<WorkloadName>(); }));
  DEPUTY_TRY(auto connection_id, columns.optional([&] { return columns.parsed<ConnectionId>(); }));
  DEPUTY_TRY(const auto created_at, columns.time());
  DEPUTY_TRY(const auto expires_at, columns.optional_time());
  DEPUTY_TRY(const auto revoked_at, columns.optional_time());
  DEPUTY_TRY(const auto last_used_at, columns.optional_time());
  DEPUTY_TRY(auto made_with, columns.optional([&] { return columns.parsed<KeyId>(); }));
  return Key{.id = std::move(id),
             .role = role,
             .workload = std::move(workload),
             .connection_id = std::move(connection_id),
             .created_at = created_at,
             .expires_at = expires_at,
             .revoked_at = revoked_at,
             .last_used_at = last_used_at,
             .made_with = std::move(made_with)};
}

Row row_of(const ConnectSession& session, const Blob& secret_hash) {
  return {column_of(session.id),
          secret_hash,
          column_of(session.tenant_id),
          column_of(session.integration),
          column_of(session.connection_id),
          column_of(session.return_url),
          column_of(session.created_at),
          column_of(session.expires_at),
          column_of(session.ended_at),
          column_of(session.opened_at)};
}

Result<ConnectSession> connect_session_from(const Row& row) {
  Columns columns{tables::connect_sessions, row};
  DEPUTY_TRY(auto id, columns.parsed<ConnectSessionId>());
  columns.skip();  // secret_hash
  DEPUTY_TRY(auto tenant_id, columns.parsed<TenantId>());
  DEPUTY_TRY(auto integration, columns.parsed<IntegrationName>());
  DEPUTY_TRY(auto connection_id, columns.optional([&] { return columns.parsed<ConnectionId>(); }));
  DEPUTY_TRY(auto return_url, columns.optional_text());
  DEPUTY_TRY(const auto created_at, columns.time());
  DEPUTY_TRY(const auto expires_at, columns.time());
  DEPUTY_TRY(const auto ended_at, columns.optional_time());
  DEPUTY_TRY(const auto opened_at, columns.optional_time());
  return ConnectSession{.id = std::move(id),
                        .tenant_id = std::move(tenant_id),
                        .integration = std::move(integration),
                        .connection_id = std::move(connection_id),
                        .return_url = std::move(return_url),
                        .created_at = created_at,
                        .expires_at = expires_at,
                        .ended_at = ended_at,
                        .opened_at = opened_at};
}

Row row_of(const WebhookEvent& event) {
  return {column_of(event.id),
          column_of(event.sequence),
          column_of(to_text(event.type)),
          column_of(event.connection_id),
          column_of(event.tenant_id),
          column_of(event.body),
          column_of(event.attempts),
          column_of(event.created_at),
          column_of(event.expires_at),
          column_of(event.next_attempt_at)};
}

Result<WebhookEvent> webhook_event_from(const Row& row) {
  Columns columns{tables::webhook_events, row};
  DEPUTY_TRY(auto id, columns.parsed<WebhookEventId>());
  DEPUTY_TRY(const auto sequence, columns.integer());
  DEPUTY_TRY(const auto type, columns.enumerated<WebhookEventType>());
  DEPUTY_TRY(auto connection_id, columns.parsed<ConnectionId>());
  DEPUTY_TRY(auto tenant_id, columns.parsed<TenantId>());
  DEPUTY_TRY(auto body, columns.text());
  DEPUTY_TRY(const auto attempts, columns.integer());
  DEPUTY_TRY(const auto created_at, columns.time());
  DEPUTY_TRY(const auto expires_at, columns.time());
  DEPUTY_TRY(const auto next_attempt_at, columns.optional_time());
  return WebhookEvent{.id = std::move(id),
                      .sequence = sequence,
                      .type = type,
                      .connection_id = std::move(connection_id),
                      .tenant_id = std::move(tenant_id),
                      .body = std::move(body),
                      .attempts = static_cast<int>(attempts),
                      .created_at = created_at,
                      .expires_at = expires_at,
                      .next_attempt_at = next_attempt_at};
}

}  // namespace deputy::storage
