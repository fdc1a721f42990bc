#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"
#include "journal/journal.hpp"
#include "registry/model.hpp"
#include "registry/store.hpp"
#include "registry/survey.hpp"

namespace deputy::registry {

using journal::Actor;

enum class AccountPolicy { exclusive, shared };

struct Settings {
  // Who the partner is: customers' roles trust `partner_principal`; a role in one of `partner_accounts` (its
  // own account is always one) is refused.
  RoleArn partner_principal;
  std::set<AccountId> partner_accounts;
  AccountPolicy account_policy = AccountPolicy::exclusive;
  std::chrono::milliseconds verification_interval = std::chrono::hours{24};
  std::chrono::milliseconds verification_max_age = std::chrono::hours{72};
  std::chrono::milliseconds verification_min_interval = std::chrono::seconds{10};
  std::size_t verifications_per_tenant_per_hour = 20;
  std::chrono::milliseconds retire_after = std::chrono::days{7};
};

struct NewTenant {
  std::string name;
  std::optional<std::string> reference;
};
struct IntegrationSpec {
  IntegrationName name;
  std::string description;
  std::string policy;  // as given; validated here
  std::map<std::string, std::string> reasons;
  std::optional<std::string> role_name;
  TrustForm trust_form = TrustForm::role;
  bool require_proof = false;
  std::optional<LogSelection> logs;
  std::optional<std::string> accept_risk;
};
struct NewConnection {
  TenantId tenant_id;
  IntegrationName integration;
  std::optional<AccountId> account_id;
};
struct NewKey {
  KeyRole role = KeyRole::auditor;
  std::optional<WorkloadName> workload;
  std::optional<ConnectionId> connection_id;
  std::optional<std::chrono::seconds> expires_in;
  std::optional<KeyId> made_with = std::nullopt;  // the key of a workload that made this one for itself
};

// What was made, and whether this was a replay of the request that made it.
template <class T>
struct Created {
  T value;
  bool replayed = false;
};
struct CreatedKey {
  Key key;
  std::optional<SecretString> secret;  // shown once: absent in a replay
};

// A verification that is to be run now, and all that it needs to know.
struct VerificationTask {
  Verification verification;
  Binding binding;
  Integration integration;
  TenantId tenant_id;
  std::optional<Rotation> rotation;
  // The account belongs to another tenant (held by a connection of theirs): what this role answers must not
  // be told apart from a denial, in words or in time.
  bool conceal = false;
};
struct VerificationReport {
  VerificationOutcome outcome = VerificationOutcome::inconclusive;
  Proof proof = Proof::none;
  std::vector<Check> checks;
  std::optional<AccountId> account_id;  // as GetCallerIdentity named it
  bool next_external_id_works = false;  // rotation, see Rotation
  bool previous_external_id_denied = false;
  std::optional<Timestamp> retry_at;  // for an inconclusive one: when to try again
};

struct VerificationFacts;  // registry/connection_life.hpp

// All that the broker needs to decide on one request for credentials; it was read in one transaction.
struct IssuingView {
  Connection connection;
  std::optional<Workload> workload;
};

// Tenants, integrations, connections with their state machine, rotation, workloads, keys: the rules, and
// nothing of SQL or HTTP. Every act that matters writes its journal entry in the same transaction.
// Thread-safe; blocking (it calls the store): use it from a WorkPool.
//
// Identifiers of things that do not exist are `not_found`. On a disconnected connection everything but
// reading is `connection_disconnected`.
class Registry {
 public:
  // References outlive the registry.
  Registry(Store& store, const Clock& clock, Random& random, Settings settings);

  const Settings& settings() const { return settings_; }

  Result<Created<Tenant>> create_tenant(const Actor& actor, NewTenant tenant,
                                        std::optional<Idempotency> once);
  Result<Tenant> tenant(const TenantId& id);
  // The tenant whose `reference`, the partner's own key, is this.
  Result<Tenant> tenant_by_reference(const std::string& reference);
  Result<Page<Tenant>> tenants(const PageRequest& page);

  // A change makes a new version; the same content again makes none. `integration_too_broad` unless
  // accept_risk says why (journaled).
  Result<Integration> put_integration(const Actor& actor, IntegrationSpec spec);
  Result<Integration> integration(const IntegrationName& name, std::optional<int> version = std::nullopt);
  Result<Page<Integration>> integrations(const PageRequest& page);

  // Issues the external ID. There is no way to name one.
  Result<Created<Connection>> create_connection(const Actor& actor, NewConnection connection,
                                                std::optional<Idempotency> once);
  Result<Connection> connection(const ConnectionId& id);
  Result<Page<Connection>> connections(const ConnectionFilter& filter, const PageRequest& page);
  // Final and idempotent.
  Result<void> disconnect(const Actor& actor, const ConnectionId& id);

  // Puts the connection to `verifying`, voids the old verification, and asks for a new one at once.
  // `role_arn_forbidden`, `account_mismatch`, `rate_limited`.
  Result<Connection> set_role(const Actor& actor, const ConnectionId& id, const RoleArn& role_arn);
  // `conflict` in awaiting_role; `rate_limited`. One that is running already is returned as it is.
  Result<Verification> request_verification(const Actor& actor, const ConnectionId& id);
  Result<Created<Verification>> request_verification(const Actor& actor, const ConnectionId& id,
                                                     std::optional<Idempotency> once);
  Result<Verification> verification(const ConnectionId& connection, const VerificationId& id);
  Result<Page<Verification>> verifications(const ConnectionId& connection, const PageRequest& page);
  // in_review → active, by the partner.
  Result<Connection> release(const Actor& actor, const ConnectionId& id);

  Result<Connection> begin_rotation(const Actor& actor, const ConnectionId& id);
  // A replay answers with the connection as it is now.
  Result<Created<Connection>> begin_rotation(const Actor& actor, const ConnectionId& id,
                                             std::optional<Idempotency> once);
  Result<Connection> promote_rotation(const Actor& actor,
                                      const ConnectionId& id);  // `conflict` before `verified`
  Result<Connection> cancel_rotation(
      const Actor& actor, const ConnectionId& id);  // before promotion; the next ID becomes a tombstone

  // For the scheduler. Leases what is due: another claim finds it only after `lease`.
  Result<std::vector<VerificationTask>> claim_due(std::size_t limit, std::chrono::milliseconds lease);
  Result<std::optional<Timestamp>> earliest_due();
  // Applies the outcome, if the binding is still the same; else only closes the verification. Returns the
  // connection as it is now.
  Result<Connection> finish_verification(const VerificationTask& task, VerificationReport report);
  // After a restart: what was running is due again at once.
  Result<void> recover_verifications();

  Result<Workload> put_workload(const Actor& actor, Workload workload);
  Result<Workload> workload(const WorkloadName& name);
  Result<Page<Workload>> workloads(const PageRequest& page);

  Result<Created<CreatedKey>> create_key(const Actor& actor, NewKey key, std::optional<Idempotency> once);
  Result<Page<Key>> keys(const PageRequest& page);
  Result<Key> key(const KeyId& id);
  Result<void> revoke_key(const Actor& actor, const KeyId& id);
  // `unauthorized` for unknown, expired and revoked ones alike. Notes the use (at most once a minute a key).
  Result<Key> authenticate(const SecretString& secret);

  Result<IssuingView> issuing_view(const ConnectionId& id, const std::optional<WorkloadName>& workload);
  // Durable, with its journal entry, when this returns: only then may the credentials leave. Fails
  // (`connection_not_active`, `conflict`) when the connection is no longer what `view` says: revoked,
  // re-bound or suspended since.
  Result<void> record_issuance(const Actor& actor, const Issuance& issuance, const IssuingView& view);
  Result<Page<Issuance>> issuances(const ConnectionId& connection, const PageRequest& page);

  // For metrics. Counts rows: ask seldom.
  Result<Survey> survey();
  const VerificationCounts& verification_counts() const { return verification_counts_; }

  // An act that has no other place: a refusal that should be on record.
  Result<void> note(journal::Entry entry);
  Result<Page<journal::ChainedEntry>> journal(const PageRequest& page);

 private:
  // A connection after an act, and the entry that tells it.
  struct Changed {
    Connection connection;
    journal::Entry entry;
  };
  using ConnectionChange =
      std::function<Result<Changed>(Transaction&, const Connection& before, Timestamp now)>;
  static constexpr std::string_view requested_verification = "verification";
  static constexpr std::string_view requested_rotation = "rotation";

  // Reads, changes, writes and journals one connection, in one transaction.
  Result<Connection> change_in(Transaction& tx, const ConnectionId& id, Timestamp now,
                               const ConnectionChange& change);
  Result<Connection> change_connection(const ConnectionId& id, const ConnectionChange& change);
  Result<Verification> request_in(Transaction& tx, const Actor& actor, const ConnectionId& id, Timestamp now);
  // Counts one request of the tenant's against its hour; `rate_limited` when that is full.
  Result<void> take_request(Transaction& tx, const TenantId& tenant, std::string_view what, Timestamp now);
  Result<std::optional<Timestamp>> last_started(Transaction& tx, const Connection& connection);
  // What runs for an older binding ends without an outcome.
  Result<void> close_running_verification(Transaction& tx, const Connection& connection, Timestamp now);
  Verification new_verification(const Connection& connection, Timestamp now);
  Result<bool> account_of_another_tenant(Transaction& tx, const Connection& connection);
  Result<std::optional<VerificationTask>> claim(Transaction& tx, Connection connection, Timestamp now,
                                                std::chrono::milliseconds lease);
  Result<VerificationFacts> facts_of(Transaction& tx, const Connection& connection,
                                     const VerificationTask& task, VerificationReport report, Timestamp now);

  Store& store_;
  const Clock& clock_;
  Random& random_;
  Settings settings_;
  VerificationCounts verification_counts_;
};

}  // namespace deputy::registry
