#pragma once

#include <string>

#include "core/random.hpp"
#include "registry/model.hpp"

// Whole, valid objects of the registry's model for tests: each as full as it can be, different from each
// other. Identifiers come from the system's generator, so that samples never collide.
namespace deputy::samples {

inline SystemRandom& random() {
  static SystemRandom random;
  return random;
}
inline Timestamp at(int seconds) {
  return Timestamp{std::chrono::seconds{1'767'225'600 + seconds}};
}
inline IntegrationName integration_name(std::string_view text = "log-reader") {
  return IntegrationName::parse(text).value();
}
inline RoleArn role(std::string_view name = "Acme", std::string_view account = "111122223333") {
  return RoleArn::parse("arn:aws:iam::" + std::string{account} + ":role/team/" + std::string{name}).value();
}
inline ExternalId external_id() {
  return ExternalId::parse("3f2c8a1e-aaaa-4b4b-8c8c-" + random_base32(random(), 12)).value();
}

inline registry::Tenant tenant(int seconds = 0) {
  const TenantId id = TenantId::draw(random());
  return {.id = id, .name = "Acme <b>&\"' é", .reference = "ref-" + id.text(), .created_at = at(seconds)};
}

inline registry::Integration integration(std::string_view name = "log-reader", int version = 1) {
  return {.name = integration_name(name),
          .version = version,
          .description = "reads logs, version " + std::to_string(version),
          .policy = R"({"Statement":[]})",
          .reasons = {{"Read", "to read what you log"}, {"List", "to \"find\" it"}},
          .role_name = "DeputyLogReader",
          .trust_form = registry::TrustForm::account_with_principal_arn,
          .require_proof = true,
          .logs = registry::LogSelection{{Region::parse("eu-central-1").value()}, {"/aws/*", "x"}},
          .accept_risk = "agreed with security",
          .created_at = at(version)};
}

// In state awaiting_role, with nothing optional.
inline registry::Connection connection(const TenantId& tenant, int seconds = 0) {
  return {.id = ConnectionId::draw(random()),
          .tenant_id = tenant,
          .integration = integration_name(),
          .integration_version = 1,
          .account_id = std::nullopt,
          .external_id = external_id(),
          .rotation = std::nullopt,
          .role_arn = std::nullopt,
          .state = registry::ConnectionState::awaiting_role,
          .proof = registry::Proof::none,
          .binding_version = 1,
          .verified_at = std::nullopt,
          .last_verification = std::nullopt,
          .next_verification_at = std::nullopt,
          .revision = 1,
          .created_at = at(seconds),
          .updated_at = at(seconds)};
}

// With everything optional but the rotation's previous external ID.
inline registry::Connection full_connection(const TenantId& tenant, int seconds = 0) {
  registry::Connection full = connection(tenant, seconds);
  full.role_arn = role();
  full.account_id = full.role_arn->account();
  full.rotation = registry::Rotation{.state = registry::RotationState::verified,
                                     .next_external_id = external_id(),
                                     .previous_external_id = std::nullopt,
                                     .verified_at = at(seconds + 5),
                                     .retire_by = at(seconds + 600)};
  full.holds_account = true;
  full.account_claimed_at = at(seconds + 4);
  full.state = registry::ConnectionState::active;
  full.proof = registry::Proof::probed;
  full.binding_version = 3;
  full.verified_at = at(seconds + 6);
  full.last_verification = registry::LastVerification{VerificationId::draw(random()),
                                                      registry::VerificationOutcome::passed, at(seconds + 7)};
  full.next_verification_at = at(seconds + 3600);
  return full;
}

inline registry::Verification verification(const ConnectionId& connection, int seconds = 0) {
  return {.id = VerificationId::draw(random()),
          .connection_id = connection,
          .role_arn = role(),
          .partner_principal = role("Partner", "999999999999"),
          .binding_version = 2,
          .integration_version = 3,
          .done = false,
          .outcome = std::nullopt,
          .proof = registry::Proof::none,
          .started_at = at(seconds),
          .finished_at = std::nullopt,
          .checks = {}};
}

inline registry::Verification finished(registry::Verification verification) {
  verification.done = true;
  verification.outcome = registry::VerificationOutcome::failed;
  verification.proof = registry::Proof::probed;
  verification.finished_at = verification.started_at + std::chrono::milliseconds{1'234};
  verification.checks = {
      {.name = "role_assumable",
       .result = registry::CheckResult::passed,
       .message = "it works",
       .mend = std::nullopt,
       .evidence =
           registry::Evidence{"", "req-1", verification.started_at + std::chrono::microseconds{7}, "0a1b"}},
      {.name = "external_id_required",
       .result = registry::CheckResult::failed,
       .message = "the role \"trusts\" without it",
       .mend = "add the condition",
       .evidence = std::nullopt}};
  return verification;
}

inline registry::Key key(registry::KeyRole role = registry::KeyRole::admin, int seconds = 0) {
  return {.id = KeyId::draw(random()),
          .role = role,
          .workload = std::nullopt,
          .connection_id = std::nullopt,
          .created_at = at(seconds),
          .expires_at = at(seconds + 60),
          .revoked_at = std::nullopt,
          .last_used_at = std::nullopt};
}

inline registry::Workload workload(std::string_view name, const TenantId& tenant) {
  return {
      .name = WorkloadName::parse(name).value(),
      .grants = {
          {.integration = std::nullopt, .tenants = std::nullopt, .may = {}, .session_policy = std::nullopt},
          {.integration = integration_name(),
           .tenants = std::vector<TenantId>{tenant},
           .may = {registry::GrantOption::tags, registry::GrantOption::duration},
           .session_policy = R"({"Version":"2012-10-17"})"},
          {.integration = std::nullopt,
           .tenants = std::vector<TenantId>{},
           .may = {},
           .session_policy = std::nullopt}}};
}

inline registry::Issuance issuance(const registry::Connection& connection, int seconds = 0) {
  return {.id = IssuanceId::draw(random()),
          .connection_id = connection.id,
          .tenant_id = connection.tenant_id,
          .workload = "collector",
          .reason = "ticket 7",
          .session_name = "deputy-x",
          .access_key_id = "ASIAEXAMPLE",
          .issued_at = at(seconds),
          .expires_at = at(seconds + 3600),
          .source = registry::IssuanceSource::cache};
}

}  // namespace deputy::samples
