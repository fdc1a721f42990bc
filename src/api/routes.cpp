#include "api/bodies.hpp"
#include "api/handlers.hpp"

namespace deputy::api {
namespace {

constexpr Access everyone{.everyone = true};
constexpr Access admins{.admin = true};
constexpr Access admins_and_auditors{.admin = true, .auditor = true};
constexpr Access onboarding{.admin = true, .onboarding = true};
constexpr Access onboarding_and_auditors{.admin = true, .onboarding = true, .auditor = true};
constexpr Access every_key{.admin = true, .onboarding = true, .workload = true, .auditor = true};
constexpr Access logs_readers{.admin = true, .workload = true, .auditor = true};
constexpr Access workloads{.admin = true, .workload = true};

constexpr std::string_view page_query[] = {"cursor", "limit"};
constexpr std::string_view connections_query[] = {"tenant_id", "reference", "state", "cursor", "limit"};
constexpr std::string_view sessions_query[] = {"tenant_id", "cursor", "limit"};
constexpr std::string_view log_sources_query[] = {"tenant_id", "connection_id", "cursor", "limit"};
constexpr std::string_view log_audit_query[] = {"connection_id", "region", "log_group", "from", "to"};
constexpr std::string_view version_query[] = {"version"};
constexpr std::string_view template_query[] = {"format"};
constexpr std::string_view launch_query[] = {"region"};

constexpr std::string_view log_search_query[] = {"tenant_id", "q", "from", "to", "cursor", "limit"};
constexpr std::string_view log_tail_query[] = {"tenant_id", "q", "cursor", "limit"};

constexpr BodyRule required = BodyRule::required;
constexpr BodyRule optional = BodyRule::optional;

// Looked through from the top: what workloads ask for all the time comes first.
constexpr Route table[] = {
    {.method = "GET",
     .pattern = "/v1/credentials/{connection}",
     .access = workloads,
     .handler = issue_container_credentials,
     .container_protocol = true,
     .narrowed_keys = true},

    {"POST", "/v1/tenants", onboarding, create_tenant, {}, required, tenant_fields},
    {"GET", "/v1/tenants", onboarding_and_auditors, list_tenants, page_query},
    {"GET", "/v1/tenants/{tenant}", onboarding_and_auditors, get_tenant},

    {"PUT",
     "/v1/integrations/{name}",
     admins,
     put_integration,
     {},
     required,
     integration_fields,
     integration_opaque},
    {"GET", "/v1/integrations", onboarding_and_auditors, list_integrations, page_query},
    {"GET", "/v1/integrations/{name}", every_key, get_integration, version_query},

    {"POST", "/v1/connections", onboarding, create_connection, {}, required, connection_fields},
    {.method = "GET",
     .pattern = "/v1/connections",
     .access = every_key,
     .handler = list_connections,
     .query = connections_query,
     .narrowed_keys = true},
    {.method = "GET",
     .pattern = "/v1/connections/{connection}",
     .access = every_key,
     .handler = get_connection,
     .narrowed_keys = true},
    {"DELETE", "/v1/connections/{connection}", onboarding, disconnect},
    {"PUT", "/v1/connections/{connection}/role", onboarding, put_role, {}, required, role_fields},
    {"POST", "/v1/connections/{connection}/release", admins, release_connection, {}, optional},

    {"POST", "/v1/connections/{connection}/verifications", onboarding, request_verification, {}, optional},
    {"GET", "/v1/connections/{connection}/verifications", onboarding_and_auditors, list_verifications,
     page_query},
    {"GET", "/v1/connections/{connection}/verifications/{verification}", onboarding_and_auditors,
     get_verification},

    {"POST", "/v1/connections/{connection}/external-id/rotation", onboarding, begin_rotation, {}, optional},
    {"DELETE", "/v1/connections/{connection}/external-id/rotation", onboarding, cancel_rotation},
    {"POST",
     "/v1/connections/{connection}/external-id/rotation/promotion",
     onboarding,
     promote_rotation,
     {},
     optional},

    {.method = "GET",
     .pattern = "/v1/connections/{connection}/template",
     .access = onboarding_and_auditors,
     .handler = get_template,
     .query = template_query,
     .produces = ""},
    {"GET", "/v1/connections/{connection}/launch-url", onboarding_and_auditors, get_launch_url, launch_query},

    {.method = "POST",
     .pattern = "/v1/connections/{connection}/credentials",
     .access = workloads,
     .handler = issue_credentials,
     .body = optional,
     .fields = credential_fields,
     .opaque = credential_opaque,
     .narrowed_keys = true},
    {"GET", "/v1/connections/{connection}/issuances", admins_and_auditors, list_issuances, page_query},

    {"PUT", "/v1/workloads/{name}", admins, put_workload, {}, required, workload_fields, workload_opaque},
    {"GET", "/v1/workloads", admins_and_auditors, list_workloads, page_query},
    {"GET", "/v1/workloads/{name}", admins_and_auditors, get_workload},

    {"POST", "/v1/keys", workloads, create_key, {}, required, key_fields},
    {"GET", "/v1/keys", admins_and_auditors, list_keys, page_query},
    {"GET", "/v1/keys/{key}", admins_and_auditors, get_key},
    {"DELETE", "/v1/keys/{key}", admins, revoke_key},

    {"POST",
     "/v1/connect-sessions",
     onboarding,
     create_connect_session,
     {},
     required,
     connect_session_fields},
    {"GET", "/v1/connect-sessions", onboarding_and_auditors, list_connect_sessions, sessions_query},
    {"GET", "/v1/connect-sessions/{session}", onboarding_and_auditors, get_connect_session},
    {"DELETE", "/v1/connect-sessions/{session}", onboarding, end_connect_session},

    {"GET", "/v1/journal", admins_and_auditors, list_journal, page_query},

    {.method = "GET",
     .pattern = "/v1/logs/search",
     .access = logs_readers,
     .handler = search_logs,
     .query = log_search_query,
     .narrowed_keys = true},
    {.method = "GET",
     .pattern = "/v1/logs/tail",
     .access = logs_readers,
     .handler = follow_logs,
     .query = log_tail_query,
     .narrowed_keys = true},

    {"GET", "/v1/report-key", everyone, get_report_key},
    {"GET", "/v1/logs/sources", admins_and_auditors, list_log_sources, log_sources_query},
    {"GET", "/v1/logs/status", admins_and_auditors, get_log_status, page_query},
    {"GET", "/v1/logs/audit", admins_and_auditors, audit_log_group, log_audit_query},

    {"GET", "/healthz", everyone, get_health},
    {"GET", "/readyz", everyone, get_readiness},
    {.method = "GET",
     .pattern = "/metrics",
     .access = everyone,
     .handler = get_metrics,
     .produces = "text/plain"},
    {"GET", "/openapi.json", everyone, get_openapi},
    {.method = "GET", .pattern = "/docs", .access = everyone, .handler = get_docs, .produces = "text/html"},
    {.method = "GET",
     .pattern = "/docs/{asset}",
     .access = everyone,
     .handler = get_page_asset,
     .produces = ""},
    {.method = "GET", .pattern = "/", .access = everyone, .handler = get_front_page, .produces = "text/html"},
};

}  // namespace

std::span<const Route> routes() {
  return table;
}

}  // namespace deputy::api
