#pragma once

#include "registry/model.hpp"
#include "storage/store_keys.hpp"
#include "storage/value.hpp"

// The model's objects as rows of their tables and back; what is sealed is sealed and opened here.
namespace deputy::storage {

Row row_of(const registry::Tenant& tenant);
Result<registry::Tenant> tenant_from(const Row& row);

Row row_of(const registry::Integration& integration);
Result<registry::Integration> integration_from(const Row& row);

Row row_of(const registry::Connection& connection, const StoreKeys& keys);
Result<registry::Connection> connection_from(const Row& row, const StoreKeys& keys);
// What connections_by_account finds a role ARN by.
Blob account_hash(const AccountId& account, const StoreKeys& keys);

Row row_of(const registry::Verification& verification, const TenantId& tenant, const StoreKeys& keys);
Result<registry::Verification> verification_from(const Row& row, const StoreKeys& keys);

Row row_of(const registry::Workload& workload);
Result<registry::Workload> workload_from(const Row& row);

Row row_of(const registry::Key& key, const Blob& secret_hash);
Result<registry::Key> key_from(const Row& row);

Row row_of(const registry::ConnectSession& session, const Blob& secret_hash);
Result<registry::ConnectSession> connect_session_from(const Row& row);

Row row_of(const registry::WebhookEvent& event);
Result<registry::WebhookEvent> webhook_event_from(const Row& row);

}  // namespace deputy::storage
