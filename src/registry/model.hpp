#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/clock.hpp"
#include "core/identifiers.hpp"

// What Deputy knows: plain values, valid by construction of their parts. Names and meanings are those of the
// API's objects.
namespace deputy::registry {

struct Tenant {
  TenantId id;
  std::string name;  // people's text, 1–200 bytes of UTF-8 without control characters; never part of anything
                     // but a page
  std::optional<std::string> reference;  // the partner's own key, unique; 1–200 bytes, as name
  Timestamp created_at;
};

enum class TrustForm { role, account_with_principal_arn };

struct LogSelection {
  std::vector<Region> regions;
  std::vector<std::string> groups;  // patterns
};

// One version of what a product needs in a customer's account. Versions count from 1 and never change.
struct Integration {
  IntegrationName name;
  int version = 1;
  std::string description;
  std::string policy;                          // IAM policy document, as the partner wrote it
  std::map<std::string, std::string> reasons;  // Sid → plain words
  std::optional<std::string> role_name;
  TrustForm trust_form = TrustForm::role;
  bool require_proof = false;
  std::optional<LogSelection> logs;
  std::optional<std::string> accept_risk;
  Timestamp created_at;
};

enum class ConnectionState { awaiting_role, verifying, active, rejected, suspended, in_review, disconnected };
enum class Proof { none, probed, proved };
enum class VerificationOutcome { passed, failed, inconclusive };

// A rotation goes awaiting_customer → verified → (promoted) retiring → over.
enum class RotationState { awaiting_customer, verified, retiring };
struct Rotation {
  RotationState state = RotationState::awaiting_customer;
  std::optional<ExternalId> next_external_id;      // until promoted
  std::optional<ExternalId> previous_external_id;  // while retiring
  std::optional<Timestamp> verified_at;            // when the next one was last seen to pass every check
  std::optional<Timestamp> retire_by;              // while retiring
};

struct LastVerification {
  VerificationId id;
  VerificationOutcome outcome = VerificationOutcome::inconclusive;
  Timestamp finished_at;
};

struct Connection {
  ConnectionId id;
  TenantId tenant_id;
  IntegrationName integration;
  int integration_version = 1;
  std::optional<AccountId> account_id;  // bound at creation or by the first passed verification
  ExternalId external_id;               // issued, never given
  std::optional<Rotation> rotation;
  std::optional<RoleArn> role_arn;
  // Was active on a role in that account, and not disconnected since: whoever else comes with the account is
  // reviewed. Only with a role ARN. A new role ARN leaves it, since it must be in the same account.
  bool holds_account = false;
  // Since when the connection speaks for its account (that of `account_id`, or of the role): the partner
  // named it at creation, or the role answered to the external ID, whatever came of it. A role ARN that was
  // only typed claims nothing. THREATS: classes 20, 45.
  std::optional<Timestamp> account_claimed_at = std::nullopt;
  ConnectionState state = ConnectionState::awaiting_role;
  Proof proof = Proof::none;
  // Counts changes of (role ARN, external ID): a verification that began under an older number says nothing
  // about this binding.
  std::int64_t binding_version = 1;
  std::optional<Timestamp> verified_at;  // last passed verification of this very binding
  std::optional<LastVerification> last_verification;
  std::optional<Timestamp> next_verification_at;
  std::int64_t revision = 1;  // counts every write; updates name the one they read
  Timestamp created_at;
  Timestamp updated_at;
};

// Exactly what a verification speaks about. A result for any other binding is dropped.
struct Binding {
  ConnectionId connection_id;
  RoleArn role_arn;
  ExternalId external_id;
  RoleArn partner_principal;
  std::int64_t version = 1;
};

enum class CheckResult { passed, failed, inconclusive, skipped };
struct Evidence {
  std::string aws_error_code;  // empty when AWS said yes
  std::string aws_request_id;
  Timestamp at;
  std::string trust_policy_sha256 = {};  // of the document that check `trust_policy` read; hexadecimal
};
struct Check {
  std::string name;  // `role_assumable`, …
  CheckResult result = CheckResult::inconclusive;
  std::string message;              // plain words for the customer, with the next step; never AWS's text
  std::optional<std::string> mend;  // what to paste
  std::optional<Evidence> evidence;
};

struct Verification {
  VerificationId id;
  ConnectionId connection_id;
  RoleArn role_arn;
  RoleArn partner_principal;
  std::int64_t binding_version = 1;
  int integration_version = 1;  // whose permissions the role was compared with
  bool done = false;
  std::optional<VerificationOutcome> outcome;  // absent while running, and when it was dropped
  Proof proof = Proof::none;
  Timestamp started_at;
  std::optional<Timestamp> finished_at;
  std::vector<Check> checks;
};

enum class GrantOption { session_policy, tags, source_identity, session_name, region, duration };
struct Grant {
  std::optional<IntegrationName> integration;    // absent: `*`
  std::optional<std::vector<TenantId>> tenants;  // absent: `*`
  std::vector<GrantOption> may;
  std::optional<std::string> session_policy;  // forced on every issuance of this grant
  bool covers(const Connection& connection) const;
  friend bool operator==(const Grant&, const Grant&) = default;
};
struct Workload {
  WorkloadName name;
  std::vector<Grant> grants;
};

enum class KeyRole { admin, onboarding, workload, auditor };
struct Key {
  KeyId id;
  KeyRole role = KeyRole::auditor;
  std::optional<WorkloadName> workload;       // exactly for role `workload`
  std::optional<ConnectionId> connection_id;  // good for that connection alone
  Timestamp created_at;
  std::optional<Timestamp> expires_at;
  std::optional<Timestamp> revoked_at;
  std::optional<Timestamp> last_used_at;
  std::optional<KeyId> made_with = std::nullopt;  // good only as long as that key is
};

enum class IssuanceSource { cache, sts };
struct Issuance {
  IssuanceId id;
  ConnectionId connection_id;
  TenantId tenant_id;
  std::string workload;
  std::optional<std::string> reason;
  std::string session_name;
  std::string access_key_id;
  Timestamp issued_at;
  Timestamp expires_at;
  IssuanceSource source = IssuanceSource::sts;
};

// A link that lets one tenant's administrator use the connect page, for one integration.
struct ConnectSession {
  ConnectSessionId id;
  TenantId tenant_id;
  IntegrationName integration;
  // The connection that the page is about, one of the tenant's and the integration's. Absent until the
  // customer chose between those that are active and a new one.
  std::optional<ConnectionId> connection_id;
  std::optional<std::string> return_url;  // where the page leads back to; was on the allow-list
  Timestamp created_at;
  Timestamp expires_at;
  std::optional<Timestamp> ended_at;  // by the partner
  std::optional<Timestamp> opened_at =
      std::nullopt;  // the link, for the first time; a mail scanner's look counts
  bool is_open(Timestamp now) const { return !ended_at && now < expires_at; }
};

struct WebhookEventKind {
  static constexpr std::string_view prefix = "evt_", noun = "event identifier";
};
using WebhookEventId = Identifier<WebhookEventKind>;

// What the partner is told of by webhook: a connection came into that state, or its external ID was replaced.
enum class WebhookEventType { active, rejected, suspended, in_review, disconnected, rotated };
struct WebhookEvent {
  WebhookEventId id;
  std::int64_t sequence = 0;  // given by the store: the order in which things happened
  WebhookEventType type = WebhookEventType::active;
  ConnectionId connection_id;
  TenantId tenant_id;
  std::string body;  // JSON, exactly as it is sent; names neither external ID nor role ARN
  int attempts = 0;
  Timestamp created_at;
  Timestamp expires_at;  // given up then
  // Absent while an older event of the connection is waiting: each connection's events arrive in order.
  std::optional<Timestamp> next_attempt_at;
};

// The texts of the API: `awaiting_role`, `probed`, … and back.
std::string_view to_text(ConnectionState value);
std::string_view to_text(Proof value);
std::string_view to_text(VerificationOutcome value);
std::string_view to_text(RotationState value);
std::string_view to_text(CheckResult value);
std::string_view to_text(KeyRole value);
std::string_view to_text(TrustForm value);
std::string_view to_text(GrantOption value);
std::string_view to_text(IssuanceSource value);
std::string_view to_text(WebhookEventType value);
// `invalid_request` naming the values that would be right.
template <class Enum>
Result<Enum> parse_enum(std::string_view text);

}  // namespace deputy::registry
