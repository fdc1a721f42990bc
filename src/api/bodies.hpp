#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "api/json_fields.hpp"
#include "broker/broker.hpp"
#include "registry/registry.hpp"

// The bodies of requests: which members each has, and the domain's value that it becomes. Pure. What is well
// formed here is judged by the registry and the broker.
namespace deputy::api {

inline constexpr std::string_view tenant_fields[] = {"name", "reference"};
inline constexpr std::string_view integration_fields[] = {
    "description", "policy", "reasons", "role_name", "trust_form", "require_proof", "logs", "accept_risk"};
inline constexpr std::string_view log_selection_fields[] = {"regions", "groups"};
inline constexpr std::string_view connection_fields[] = {"tenant_id", "integration", "account_id"};
inline constexpr std::string_view role_fields[] = {"role_arn"};
inline constexpr std::string_view credential_fields[] = {
    "duration_seconds", "session_policy", "tags", "session_name", "source_identity", "region", "reason"};
inline constexpr std::string_view workload_fields[] = {"grants"};
inline constexpr std::string_view grant_fields[] = {"integration", "tenants", "may", "session_policy"};
inline constexpr std::string_view key_fields[] = {"role", "workload", "connection_id", "expires_in"};

inline constexpr std::string_view connect_session_fields[] = {"tenant_id", "integration", "connection_id",
                                                              "return_url", "expires_in"};

// Places in bodies whose inner names are the customer's or AWS's.
inline constexpr std::string_view integration_opaque[] = {"policy"};
inline constexpr std::string_view credential_opaque[] = {"session_policy", "tags"};
inline constexpr std::string_view workload_opaque[] = {"grants.session_policy"};

Result<registry::NewTenant> read_new_tenant(const json::Value& body);
Result<registry::IntegrationSpec> read_integration(const json::Value& body, IntegrationName name);
Result<registry::NewConnection> read_new_connection(const json::Value& body);
Result<RoleArn> read_role(const json::Value& body);
Result<broker::CredentialOptions> read_credential_options(const json::Value& body);
Result<registry::Workload> read_workload(const json::Value& body, WorkloadName name);

Result<registry::NewConnectSession> read_new_connect_session(const json::Value& body);

// A key as asked for; what is absent depends on who asks.
struct KeyWish {
  std::optional<registry::KeyRole> role;
  std::optional<WorkloadName> workload;
  std::optional<ConnectionId> connection_id;
  std::optional<std::chrono::seconds> expires_in;
};
Result<KeyWish> read_key_wish(const json::Value& body);

}  // namespace deputy::api
