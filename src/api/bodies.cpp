#include "api/bodies.hpp"

#include <fmt/format.h>

namespace deputy::api {
namespace {

constexpr std::size_t name_bytes_max = 200;
constexpr std::size_t description_bytes_max = 1'000;
constexpr std::size_t log_selectors_max = 100;
constexpr std::size_t grants_max = 100;
constexpr std::size_t tenants_of_grant_max = 1'000;
constexpr std::size_t options_of_grant_max = 16;

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
constexpr std::int64_t duration_seconds_min = 1'800;
constexpr std::int64_t duration_seconds_max = 43'200;
// AWS counts characters, and the broker does; one has at most four bytes.
constexpr std::size_t session_policy_bytes_max = 2 * 2'048;  // they end at U+00FF
constexpr std::size_t tag_key_bytes_max = 4 * 128;
constexpr std::size_t tag_value_bytes_max = 4 * 256;
constexpr std::size_t session_suffix_length_max = 32;
constexpr std::size_t source_identity_length_max = 64;
constexpr std::size_t reason_bytes_max = 200;

// Identifiers are opaque: one that cannot exist is one that does not exist.
template <class Id>
Result<Id> read_id(const Fields& fields, std::string_view name) {
  DEPUTY_TRY(const std::string text, fields.text(name));
  auto id = Id::parse(text);
  if (id.has_error()) return Error{ErrorKind::not_found, "no such object"};
  return std::move(id).value();
}

template <class Enum>
Result<Enum> read_enum(const Fields& fields, std::string_view name) {
  DEPUTY_TRY(const std::string text, fields.text(name));
  return fields.at_member(registry::parse_enum<Enum>(text), name);
}

Result<std::vector<std::string>> read_texts(const Fields& fields, std::string_view name,
                                            std::size_t count_max) {
  DEPUTY_TRY(const auto elements, fields.array(name, count_max));
  std::vector<std::string> texts;
  for (const json::Value& element : elements) {
    DEPUTY_TRY(std::string text,
               bounded_text(element, {.bytes_min = 1, .bytes_max = 512}, fields.path_of(name)));
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<std::optional<registry::LogSelection>> read_logs(const Fields& body) {
  const json::Value* value = body.find("logs");
  if (value == nullptr) return std::optional<registry::LogSelection>{};
  DEPUTY_TRY(const auto fields, Fields::open(*value, log_selection_fields, "logs"));
  registry::LogSelection logs;
  DEPUTY_TRY(const auto regions, read_texts(fields, "regions", log_selectors_max));
  for (const std::string& text : regions) {
    DEPUTY_TRY(Region region, fields.at_member(Region::parse(text), "regions"));
    logs.regions.push_back(std::move(region));
  }
  DEPUTY_TRY(logs.groups, read_texts(fields, "groups", log_selectors_max));
  return std::optional<registry::LogSelection>{std::move(logs)};
}

// `"*"` is everything: no value. Absence is an error, since nothing is granted by omission.
bool is_star(const json::Value* value) {
  return value != nullptr && value->is(json::Kind::string) && value->text == "*";
}

Result<std::optional<std::vector<TenantId>>> read_granted_tenants(const Fields& fields) {
  const json::Value* value = fields.find("tenants");
  if (value == nullptr)
    return fields.wrong("tenants", "is missing; it is a list of tenant identifiers, or \"*\"");
  if (is_star(value)) return std::optional<std::vector<TenantId>>{};
  if (!value->is(json::Kind::array))
    return fields.wrong("tenants", "must be a list of tenant identifiers, or \"*\", which means all");
  DEPUTY_TRY(const auto texts, read_texts(fields, "tenants", tenants_of_grant_max));
  std::vector<TenantId> tenants;
  for (const std::string& text : texts) {
    DEPUTY_TRY(TenantId id, fields.at_member(TenantId::parse(text), "tenants"));
    tenants.push_back(std::move(id));
  }
  return std::optional{std::move(tenants)};
}

Result<registry::Grant> read_grant(const json::Value& value, std::size_t index) {
  DEPUTY_TRY(const auto fields, Fields::open(value, grant_fields, fmt::format("grants[{}]", index)));
  registry::Grant grant;
  if (!is_star(fields.find("integration"))) {
    DEPUTY_TRY(grant.integration, fields.parsed<IntegrationName>("integration"));
  }
  DEPUTY_TRY(grant.tenants, read_granted_tenants(fields));
  DEPUTY_TRY(const auto options, read_texts(fields, "may", options_of_grant_max));
  for (const std::string& text : options) {
    DEPUTY_TRY(const auto option, fields.at_member(registry::parse_enum<registry::GrantOption>(text), "may"));
    grant.may.push_back(option);
  }
  DEPUTY_TRY(grant.session_policy, fields.optional_document("session_policy"));
  return grant;
}

// Both have the characters of a session name; how many is said here, since it is not the same.
Result<std::optional<SessionName>> read_session_text(const Fields& fields, std::string_view name,
                                                     std::size_t length_max, std::string_view why = "") {
  const json::Value* value = fields.find(name);
  if (value == nullptr) return std::optional<SessionName>{};
  auto text = SessionName::parse(value->is(json::Kind::string) ? value->text : "");
  if (!text || text.value().text().size() > length_max)
    return fields.wrong(name,
                        fmt::format("must be 2 to {} letters, digits and `_+=,.@-`{}", length_max, why));
  return std::optional{std::move(text).value()};
}

Result<std::optional<std::string>> read_session_suffix(const Fields& fields) {
  DEPUTY_TRY(const auto suffix, read_session_text(fields, "session_name", session_suffix_length_max,
                                                  ": it is appended to Deputy's own"));
  return suffix ? std::optional{suffix->text()} : std::nullopt;
}

Result<std::optional<std::chrono::seconds>> read_expires_in(const Fields& fields) {
  constexpr std::int64_t seconds_max = std::chrono::seconds{std::chrono::days{3'650}}.count();
  const json::Value* value = fields.find("expires_in");
  if (value == nullptr) return std::optional<std::chrono::seconds>{};
  if (value->is(json::Kind::string)) {
    DEPUTY_TRY(const auto duration, fields.at_member(parse_duration(value->text), "expires_in"));
    return std::optional{std::chrono::floor<std::chrono::seconds>(duration)};
  }
  DEPUTY_TRY(const auto seconds, fields.optional_integer("expires_in", 1, seconds_max));
  return std::optional{std::chrono::seconds{*seconds}};
}

}  // namespace

Result<registry::NewTenant> read_new_tenant(const json::Value& body) {
  DEPUTY_TRY(const auto fields, Fields::open(body, tenant_fields));
  registry::NewTenant tenant;
  DEPUTY_TRY(tenant.name, fields.text("name", {.bytes_min = 1, .bytes_max = name_bytes_max}));
  DEPUTY_TRY(tenant.reference,
             fields.optional_text("reference", {.bytes_min = 1, .bytes_max = name_bytes_max}));
  return tenant;
}

Result<registry::IntegrationSpec> read_integration(const json::Value& body, IntegrationName name) {
  DEPUTY_TRY(const auto fields, Fields::open(body, integration_fields));
  registry::IntegrationSpec spec{.name = std::move(name),
                                 .description = {},
                                 .policy = {},
                                 .reasons = {},
                                 .role_name = std::nullopt,
                                 .trust_form = registry::TrustForm::role,
                                 .require_proof = false,
                                 .logs = std::nullopt,
                                 .accept_risk = std::nullopt};
  DEPUTY_TRY(const auto policy, fields.optional_document("policy"));
  if (!policy)
    return fields.wrong("policy", "is missing; it is the IAM policy document of what the role may do");
  spec.policy = *policy;
  DEPUTY_TRY(const auto description,
             fields.optional_text("description", {.bytes_min = 1, .bytes_max = description_bytes_max}));
  spec.description = description.value_or(spec.name.text());
  DEPUTY_TRY(const auto reasons, fields.text_map("reasons", {.bytes_min = 1, .bytes_max = name_bytes_max},
                                                 {.bytes_min = 1, .bytes_max = description_bytes_max}));
  spec.reasons.insert(reasons.begin(), reasons.end());
  DEPUTY_TRY(spec.role_name, fields.optional_text("role_name", {.bytes_min = 1, .bytes_max = 64}));
  if (fields.find("trust_form") != nullptr) {
    DEPUTY_TRY(spec.trust_form, read_enum<registry::TrustForm>(fields, "trust_form"));
  }
  DEPUTY_TRY(const auto require_proof, fields.optional_boolean("require_proof"));
  spec.require_proof = require_proof.value_or(false);
  DEPUTY_TRY(spec.logs, read_logs(fields));
  DEPUTY_TRY(spec.accept_risk,
             fields.optional_text("accept_risk", {.bytes_min = 1, .bytes_max = description_bytes_max}));
  return spec;
}

Result<registry::NewConnection> read_new_connection(const json::Value& body) {
  DEPUTY_TRY(const auto fields, Fields::open(body, connection_fields));
  DEPUTY_TRY(auto tenant, read_id<TenantId>(fields, "tenant_id"));
  DEPUTY_TRY(auto integration, fields.parsed<IntegrationName>("integration"));
  DEPUTY_TRY(auto account, fields.optional_parsed<AccountId>("account_id"));
  return registry::NewConnection{std::move(tenant), std::move(integration), std::move(account)};
}

Result<RoleArn> read_role(const json::Value& body) {
  DEPUTY_TRY(const auto fields, Fields::open(body, role_fields));
  const json::Value* value = fields.find("role_arn");
  if (value == nullptr) return fields.wrong("role_arn", "is missing");
  if (!value->is(json::Kind::string)) return fields.wrong("role_arn", "must be a string");
  return fields.at_member(RoleArn::parse(value->text), "role_arn");  // says which character is wrong
}

Result<broker::CredentialOptions> read_credential_options(const json::Value& body) {
  DEPUTY_TRY(const auto fields, Fields::open(body, credential_fields));
  broker::CredentialOptions options;
  DEPUTY_TRY(const auto seconds,
             fields.optional_integer("duration_seconds", duration_seconds_min, duration_seconds_max));
  if (seconds) options.duration = std::chrono::seconds{*seconds};
  DEPUTY_TRY(options.session_policy, fields.optional_document("session_policy"));
  if (options.session_policy && options.session_policy->size() > session_policy_bytes_max)
    return fields.wrong("session_policy", "must be at most 2,048 characters long without white space");
  DEPUTY_TRY(options.tags, fields.text_map("tags", {.bytes_min = 1, .bytes_max = tag_key_bytes_max},
                                           {.bytes_min = 0, .bytes_max = tag_value_bytes_max}));
  DEPUTY_TRY(options.session_name, read_session_suffix(fields));
  DEPUTY_TRY(options.source_identity,
             read_session_text(fields, "source_identity", source_identity_length_max));
  DEPUTY_TRY(options.region, fields.optional_parsed<Region>("region"));
  DEPUTY_TRY(options.reason, fields.optional_text("reason", {.bytes_min = 1, .bytes_max = reason_bytes_max}));
  return options;
}

Result<registry::Workload> read_workload(const json::Value& body, WorkloadName name) {
  DEPUTY_TRY(const auto fields, Fields::open(body, workload_fields));
  if (fields.find("grants") == nullptr)
    return fields.wrong("grants", "is missing; an empty list grants nothing");
  DEPUTY_TRY(const auto grants, fields.array("grants", grants_max));
  registry::Workload workload{std::move(name), {}};
  for (std::size_t i = 0; i < grants.size(); ++i) {
    DEPUTY_TRY(auto grant, read_grant(grants[i], i));
    workload.grants.push_back(std::move(grant));
  }
  return workload;
}

Result<KeyWish> read_key_wish(const json::Value& body) {
  DEPUTY_TRY(const auto fields, Fields::open(body, key_fields));
  KeyWish wish;
  if (fields.find("role") != nullptr) {
    DEPUTY_TRY(wish.role, read_enum<registry::KeyRole>(fields, "role"));
  }
  DEPUTY_TRY(wish.workload, fields.optional_parsed<WorkloadName>("workload"));
  if (fields.find("connection_id") != nullptr) {
    DEPUTY_TRY(wish.connection_id, read_id<ConnectionId>(fields, "connection_id"));
  }
  DEPUTY_TRY(wish.expires_in, read_expires_in(fields));
  return wish;
}

Result<registry::NewConnectSession> read_new_connect_session(const json::Value& body) {
  constexpr std::size_t url_bytes_max = 2'000;
  DEPUTY_TRY(const auto fields, Fields::open(body, connect_session_fields));
  DEPUTY_TRY(auto tenant, read_id<TenantId>(fields, "tenant_id"));
  DEPUTY_TRY(auto integration, fields.parsed<IntegrationName>("integration"));
  registry::NewConnectSession session{.tenant_id = std::move(tenant),
                                      .integration = std::move(integration),
                                      .connection_id = std::nullopt,
                                      .return_url = std::nullopt,
                                      .expires_in = std::nullopt};
  if (fields.find("connection_id") != nullptr) {
    DEPUTY_TRY(session.connection_id, read_id<ConnectionId>(fields, "connection_id"));
  }
  DEPUTY_TRY(session.return_url,
             fields.optional_text("return_url", {.bytes_min = 1, .bytes_max = url_bytes_max}));
  DEPUTY_TRY(session.expires_in, read_expires_in(fields));
  return session;
}

}  // namespace deputy::api
