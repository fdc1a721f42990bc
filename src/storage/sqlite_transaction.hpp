#pragma once

#include "registry/store.hpp"
#include "storage/authenticated_rows.hpp"
#include "storage/issuance_table.hpp"
#include "storage/journal_table.hpp"

namespace deputy::storage {

// One transaction of the SQLite store, see registry::Transaction. The caller begins and commits.
class SqliteTransaction final : public registry::Transaction {
 public:
  // All outlive this. `places` is null where nobody holds any.
  SqliteTransaction(SqliteConnection& connection, const StoreKeys& keys, IssuancePlaces* places,
                    AuthenticatedRows::Mode mode)
      : rows_(connection, keys, mode), places_(places), mode_(mode) {}

  // Writes what has gathered, and what holds the transaction's rows together. Call before the commit.
  Result<void> finish();
  // After the commit.
  void committed() { issuances_.committed(); }

  // What was written, or may have been, of what decides on credentials.
  const registry::Touched& touched() const { return touched_; }

  Result<void> insert(const registry::Tenant& tenant) override;
  Result<std::optional<registry::Tenant>> find_tenant(const TenantId& id) override;
  Result<std::optional<registry::Tenant>> find_tenant_by_reference(const std::string& reference) override;
  Result<registry::Page<registry::Tenant>> list_tenants(const registry::PageRequest& page) override;

  Result<void> insert(const registry::Integration& integration) override;
  Result<std::optional<registry::Integration>> find_integration(const IntegrationName& name,
                                                                std::optional<int> version) override;
  Result<registry::Page<registry::Integration>> list_integrations(const registry::PageRequest& page) override;

  Result<void> claim_external_id(const ExternalId& id, const ConnectionId& owner) override;
  Result<void> insert(const registry::Connection& connection) override;
  Result<void> update(const registry::Connection& connection) override;
  Result<std::optional<registry::Connection>> find_connection(const ConnectionId& id) override;
  Result<registry::Page<registry::Connection>> list_connections(const registry::ConnectionFilter& filter,
                                                                const registry::PageRequest& page) override;
  Result<std::optional<registry::Connection>> first_to_claim(const AccountId& account) override;
  Result<std::vector<registry::Connection>> connections_of(const TenantId& tenant,
                                                           const IntegrationName& integration,
                                                           std::span<const registry::ConnectionState> states,
                                                           std::size_t limit) override;
  Result<std::vector<registry::Connection>> connections_holding(const AccountId& account,
                                                                std::size_t limit) override;
  Result<std::vector<registry::Connection>> due_connections(Timestamp now, std::size_t limit) override;
  Result<std::optional<Timestamp>> earliest_due() override;
  Result<std::map<registry::ConnectionState, std::size_t>> count_connections() override;

  Result<void> insert(const registry::Verification& verification) override;
  Result<void> update(const registry::Verification& verification) override;
  Result<std::optional<registry::Verification>> find_verification(const ConnectionId& connection,
                                                                  const VerificationId& id) override;
  Result<std::optional<registry::Verification>> running_verification(const ConnectionId& connection) override;
  Result<std::vector<registry::Verification>> running_verifications(std::size_t limit) override;
  Result<registry::Page<registry::Verification>> list_verifications(
      const ConnectionId& connection, const registry::PageRequest& page) override;
  Result<std::size_t> count_requested(const TenantId& tenant, std::string_view what,
                                      Timestamp since) override;
  Result<void> note_requested(const TenantId& tenant, std::string_view what, Timestamp at) override;

  Result<void> put(const registry::Workload& workload) override;
  Result<std::optional<registry::Workload>> find_workload(const WorkloadName& name) override;
  Result<registry::Page<registry::Workload>> list_workloads(const registry::PageRequest& page) override;

  Result<void> insert(const registry::Key& key, const SecretString& secret) override;
  Result<void> update(const registry::Key& key) override;
  Result<std::optional<registry::Key>> find_key(const KeyId& id) override;
  Result<std::optional<registry::Key>> find_key_by_secret(const SecretString& secret) override;
  Result<registry::Page<registry::Key>> list_keys(const registry::PageRequest& page) override;
  Result<registry::LiveKeys> count_live_keys_made_with(const KeyId& maker, Timestamp now) override;
  Result<void> forget_narrowed_keys_expired_before(Timestamp time, std::size_t limit) override;

  Result<void> insert(const registry::ConnectSession& session, const SecretString& secret) override;
  Result<void> update(const registry::ConnectSession& session) override;
  Result<std::optional<registry::ConnectSession>> find_connect_session(const ConnectSessionId& id) override;
  Result<std::optional<registry::ConnectSession>> find_connect_session(const ConnectSessionId& id,
                                                                       const SecretString& secret) override;
  Result<registry::Page<registry::ConnectSession>> list_connect_sessions(
      const std::optional<TenantId>& tenant, const registry::PageRequest& page) override;
  Result<std::size_t> forget_connect_sessions_before(Timestamp time, std::size_t limit) override;

  Result<void> insert(const registry::WebhookEvent& event) override;
  Result<void> update(const registry::WebhookEvent& event) override;
  Result<void> remove(const registry::WebhookEvent& event) override;
  Result<std::optional<registry::WebhookEvent>> find_webhook_event(
      const registry::WebhookEventId& id) override;
  Result<std::vector<registry::WebhookEvent>> due_webhook_events(Timestamp now, std::size_t limit) override;
  Result<std::optional<Timestamp>> earliest_webhook_due() override;
  Result<std::optional<registry::WebhookEvent>> oldest_webhook_event() override;
  Result<std::size_t> count_webhook_events() override;

  Result<void> insert(const registry::Issuance& issuance) override;
  Result<registry::Page<registry::Issuance>> list_issuances(const ConnectionId& connection,
                                                            const registry::PageRequest& page) override;

  Result<std::optional<registry::IdempotencyRecord>> find_idempotency(const std::string& scope,
                                                                      const std::string& key) override;
  Result<void> insert_idempotency(const registry::Idempotency& idempotency, const std::string& object_id,
                                  Timestamp at) override;
  Result<void> forget_idempotency_before(Timestamp time) override;

  std::string journal_mark(std::string_view kind, std::string_view value) override;
  Result<void> append(const journal::Entry& entry) override;
  Result<registry::Page<journal::ChainedEntry>> list_journal(const registry::PageRequest& page) override;
  Result<std::optional<journal::Checkpoint>> journal_head() override;

 private:
  Result<void> claimed(const std::optional<ExternalId>& id, const ConnectionId& owner);
  Result<void> all_claimed(const registry::Connection& connection);
  Result<std::vector<registry::Connection>> connections(const std::string& sql, const Row& parameters);
  Result<std::vector<registry::Verification>> verifications(const std::string& sql, const Row& parameters);
  Result<std::optional<registry::WebhookEvent>> first_webhook_event(const std::string& sql,
                                                                    const Row& parameters);

  // What was written in this transaction can be read in it.
  Result<void> flush();

  AuthenticatedRows rows_;
  IssuancePlaces* places_;
  AuthenticatedRows::Mode mode_;
  JournalWriter journal_{rows_};
  IssuanceWriter issuances_{rows_, places_};
  registry::Touched touched_;
};

}  // namespace deputy::storage
