#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"
#include "journal/journal.hpp"
#include "registry/mandate.hpp"
#include "registry/model.hpp"
#include "registry/return_url.hpp"
#include "registry/store.hpp"
#include "registry/survey.hpp"

namespace deputy::registry {

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
  std::vector<ReturnUrl> return_urls;  // where a connect session may lead back to
  // How long an event waits for the partner to take it. Absent: there is nobody to tell, none is written.
  std::optional<std::chrono::milliseconds> webhook_events_kept;
  // Called, on any thread, after events were written.
  std::function<void()> on_webhook_event;
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

struct NewConnectSession {
  TenantId tenant_id;
  IntegrationName integration;
  std::optional<ConnectionId> connection_id;
  std::optional<std::string> return_url;
  std::optional<std::chrono::seconds> expires_in;
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

struct CreatedConnectSession {
  ConnectSession session;
  std::optional<SecretString> secret;  // of the link; shown once: absent in a replay
};
// All that the customer's page needs to know, read in one transaction.
struct ConnectView {
  ConnectSession session;
  Tenant tenant;
  Integration integration;  // as the connection has it; the newest without one
  Integration newest;
  // The session's; while it has none, the newest that is connected, or else the newest. Always there.
  std::optional<Connection> connection;
  std::optional<Verification> verification;  // the newest one of the connection's
};

// A verification that is to be run now, and all that it needs to know.
struct VerificationTask {
  Verification verification;
  Binding binding;
  Integration integration;
  TenantId tenant_id;
  std::optional<Rotation> rotation;
  // The account is another tenant's (held by a connection of theirs, or claimed by one first): what this role
  // answers must not be told apart from a denial, in words or in time.
  bool conceal = false;
};
struct VerificationReport {
  VerificationOutcome outcome = VerificationOutcome::inconclusive;
  Proof proof = Proof::none;
  std::vector<Check> checks;
  std::optional<AccountId> account_id;  // as GetCallerIdentity named it
  bool role_answered = false;           // to the external ID, whatever was found then; also when concealed
  bool next_external_id_works = false;  // rotation, see Rotation
  bool previous_external_id_denied = false;
  std::optional<Timestamp> retry_at;  // for one that was cut short: when to try again
  // Of a run that was concealed: the check that failed in truth. The partner reads it in the journal.
  std::string concealed_failure;
};

struct VerificationFacts;  // registry/connection_life.hpp

// All that the broker needs to decide on one request for credentials, as it stood at one moment or, held in
// memory, still stands. Shared and never changed.
struct IssuingView {
  std::shared_ptr<const Connection> connection;
  std::shared_ptr<const Workload> workload;  // none for an admin
};

// An issuance that is to be recorded, and what it was decided on.
struct IssuanceRecord {
  Actor actor;
  Issuance issuance;
  IssuingView view;
};

class Facts;  // registry/facts.hpp

// Has the text a key's form, `dpk_ROLE_` and 52 letters and digits of base32? No other was ever drawn.
bool is_key_secret(std::string_view text);

// Tenants, integrations, connections with their state machine, rotation, workloads, keys: the rules, and
// nothing of SQL or HTTP. Every act that matters writes its journal entry in the same transaction.
// Thread-safe; blocking (it calls the store): use it from a WorkPool.
//
// Identifiers of things that do not exist are `not_found`. On a disconnected connection everything but
// reading is `connection_disconnected`. What changes a connection takes a mandate; in a customer's name it is
// `forbidden`, and nothing is done, once the session is over or about another connection. With an actor and a
// connection, the same in the actor's own name.
class Registry {
 public:
  // References outlive the registry.
  Registry(Store& store, const Clock& clock, Random& random, Settings settings);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

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
  Result<void> disconnect(const Mandate& by);
  Result<void> disconnect(const Actor& actor, const ConnectionId& id) { return disconnect({actor, id}); }

  // Puts the connection to `verifying`, voids the old verification, and asks for a new one at once.
  // `role_arn_forbidden`, `account_mismatch`, `rate_limited`.
  Result<Connection> set_role(const Mandate& by, const RoleArn& role_arn);
  Result<Connection> set_role(const Actor& actor, const ConnectionId& id, const RoleArn& role_arn) {
    return set_role({actor, id}, role_arn);
  }
  // The same for a form that may be sent twice, where the role that the connection has already is no new one:
  // it goes on in the state that it is in, and is verified again unless that is under way or about to begin.
  Result<Connection> submit_role(const Mandate& by, const RoleArn& role_arn);
  // Whether set_role would take it, without doing anything.
  Result<void> may_have_role(const ConnectionId& id, const RoleArn& role_arn);
  // `conflict` in awaiting_role; `rate_limited`. One that is running already is returned as it is.
  Result<Verification> request_verification(const Mandate& by);
  Result<Verification> request_verification(const Actor& actor, const ConnectionId& id) {
    return request_verification({actor, id});
  }
  Result<Created<Verification>> request_verification(const Actor& actor, const ConnectionId& id,
                                                     std::optional<Idempotency> once);
  Result<Verification> verification(const ConnectionId& connection, const VerificationId& id);
  Result<Page<Verification>> verifications(const ConnectionId& connection, const PageRequest& page);
  // in_review → active, by the partner.
  Result<Connection> release(const Actor& actor, const ConnectionId& id);

  Result<Connection> begin_rotation(const Mandate& by);
  Result<Connection> begin_rotation(const Actor& actor, const ConnectionId& id) {
    return begin_rotation({actor, id});
  }
  // A replay answers with the connection as it is now.
  Result<Created<Connection>> begin_rotation(const Actor& actor, const ConnectionId& id,
                                             std::optional<Idempotency> once);
  // `conflict` before `verified`.
  Result<Connection> promote_rotation(const Mandate& by);
  Result<Connection> promote_rotation(const Actor& actor, const ConnectionId& id) {
    return promote_rotation({actor, id});
  }
  // Before promotion; the next ID becomes a tombstone.
  Result<Connection> cancel_rotation(const Mandate& by);
  Result<Connection> cancel_rotation(const Actor& actor, const ConnectionId& id) {
    return cancel_rotation({actor, id});
  }

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
  // Idempotent. `conflict` for a key of an admin that no other of an admin outlives.
  Result<void> revoke_key(const Actor& actor, const KeyId& id);
  // `unauthorized` for unknown, expired and revoked ones alike. Notes the use (at most once a minute a key).
  Result<std::shared_ptr<const Key>> authenticate(const SecretString& secret);
  // The same from memory, for the event loop: nothing when the key is not known there, is not usable, or its
  // use is to be noted; `authenticate` says which.
  std::shared_ptr<const Key> known_key(const SecretString& secret);
  // Is it the secret of a usable key in memory? `authenticate` is then no guess of whoever asks.
  bool knows_secret(const SecretString& secret);

  // For one tenant and one integration, 30 minutes without `expires_in`, 7 days at most. Without a connection
  // it takes up the newest of the tenant's that is not active yet; where the tenant has none at all, one is
  // created. `return_url` must be on the allow-list. A connection that awaits its role asks for the newest
  // version of the permissions from then on, as it does when a session is opened for it or turned to it.
  Result<Created<CreatedConnectSession>> create_connect_session(const Actor& actor, NewConnectSession session,
                                                                std::optional<Idempotency> once);
  Result<ConnectSession> connect_session(const ConnectSessionId& id);
  Result<Page<ConnectSession>> connect_sessions(const std::optional<TenantId>& tenant,
                                                const PageRequest& page);
  // Idempotent.
  Result<void> end_connect_session(const Actor& actor, const ConnectSessionId& id);
  // Its link was opened: on record the first time, nothing later. A session that was not about one connection
  // is about the one that the page shows from then on, so that it turns to another only when it is told to.
  Result<void> note_opening(const Actor& actor, const ConnectSessionId& id);
  // Sessions are over after 7 days at most, and their rows go some days after that, so that who comes late
  // hears why. The oldest ones first, at most `limit`; how many they were.
  static constexpr std::chrono::days connect_sessions_kept{14};  // from when they were made
  Result<std::size_t> forget_old_connect_sessions(std::size_t limit);
  // `not_found` alike for an unknown session and for a wrong secret. Also of a session that is over: the one
  // who holds its secret may know that.
  Result<ConnectView> connect_view(const ConnectSessionId& id, const SecretString& secret);
  // The other connections of the same tenant and integration that are connected, newest first, `limit` at
  // most.
  Result<std::vector<Connection>> connections_beside(const Connection& shown, std::size_t limit);
  // The page turns to another connection of the session's tenant and integration.
  Result<Connection> choose_connection(const Actor& actor, const ConnectSessionId& session,
                                       const ConnectionId& connection);
  // The page turns to a connection for another AWS account: one that its customer has yet to finish (it may
  // be the one that is shown), or else a new one. `rate_limited`.
  Result<Connection> connect_another(const Actor& actor, const ConnectSessionId& session);
  // The connection goes over to this, the newest version of its integration, and is verified against it.
  // `conflict` when that is not the newest, or not a newer one.
  Result<Connection> adopt_integration(const Mandate& by, int version);

  // For the delivery of events. Leases what is due: another claim finds it only after `lease`. What was not
  // taken until it expired is given up, on record.
  Result<std::vector<WebhookEvent>> claim_webhook_events(std::size_t limit, std::chrono::milliseconds lease);
  Result<std::optional<Timestamp>> earliest_webhook_due();
  Result<void> webhook_delivered(const WebhookEventId& id);
  // `answered`: with a status that is not 2xx.
  Result<void> webhook_failed(const WebhookEventId& id, Timestamp retry_at, bool answered);
  // Events beyond so many push out the oldest one, on record.
  static constexpr std::size_t webhook_events_max = 100'000;

  Result<IssuingView> issuing_view(const ConnectionId& id, const std::optional<WorkloadName>& workload);
  // The same from memory, for the event loop: nothing when it is not there.
  std::optional<IssuingView> known_view(const ConnectionId& id, const std::optional<WorkloadName>& workload);
  // All in one transaction, each with its journal entry; what each came to, in their order. Durable when this
  // returns: only then may the credentials leave. One fails by itself (`connection_not_active`, `conflict`,
  // …) when its connection, workload or key is no longer what it was decided on: revoked, re-bound or
  // suspended since. When the transaction fails, all do.
  std::vector<Result<void>> record_issuances(std::span<const IssuanceRecord* const> records);
  Result<void> record_issuance(const Actor& actor, const Issuance& issuance, const IssuingView& view);
  Result<Page<Issuance>> issuances(const ConnectionId& connection, const PageRequest& page);

  // For metrics. Counts rows: ask seldom.
  Result<Survey> survey();
  const VerificationCounts& verification_counts() const { return verification_counts_; }
  const WebhookCounts& webhook_counts() const { return webhook_counts_; }

  // Why nothing can be written, as the last write found. Does not block.
  std::optional<Error> write_trouble() const { return store_.write_trouble(); }
  // While there is trouble and nobody else writes, a write every few seconds finds out when it is over; asked
  // in between, it answers what is known.
  Result<void> check_writing();

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
  static constexpr std::string_view requested_connection = "connection";

  // The one place where a connection is written: what the partner is to hear of the change waits from the
  // same transaction on. Call `announce_events` when that is over.
  Result<void> write_connection(Transaction& tx, const Connection& before, const Connection& after,
                                Timestamp now);
  Result<void> write_event(Transaction& tx, WebhookEventType type, const Connection& before,
                           const Connection& after, Timestamp now);
  void announce_events();
  Result<Connection> new_connection(Transaction& tx, const Actor& actor, const NewConnection& wanted,
                                    Timestamp now);
  Result<std::optional<Connection>> pending_connection(Transaction& tx, const TenantId& tenant,
                                                       const IntegrationName& integration,
                                                       std::span<const ConnectionState> states);
  Result<ConnectSession> open_session(Transaction& tx, const ConnectSessionId& id, Timestamp now);
  Result<Connection> shown_connection(Transaction& tx, const ConnectSession& session);
  // Nobody can have made a role by a template of before and given it: the connection asks for what the
  // integration needs now. Any other goes over when its customer agrees.
  Result<Connection> with_newest_permissions(Transaction& tx, const Actor& actor, Connection connection,
                                             Timestamp now);

  // Whoever changes a connection comes through here, in the transaction of the change.
  Result<Connection> find_for(Transaction& tx, const Mandate& by, Timestamp now);
  // Reads, changes, writes and journals one connection, in one transaction.
  Result<Connection> change_in(Transaction& tx, const Mandate& by, Timestamp now,
                               const ConnectionChange& change);
  Result<Connection> change_connection(const Mandate& by, const ConnectionChange& change);
  Result<Changed> role_given(Transaction& tx, const Mandate& by, const Connection& before,
                             const RoleArn& role_arn, Timestamp now);
  Result<Connection> with_refusal_on_record(const Mandate& by, const RoleArn& role_arn,
                                            Result<Connection> result);
  Result<Changed> rotation_begun(Transaction& tx, const Mandate& by, const Connection& before, Timestamp now);
  Result<Verification> request_in(Transaction& tx, const Mandate& by, Timestamp now);
  // Counts one request of the tenant's against its hour; `rate_limited` when that is full.
  Result<void> take_request(Transaction& tx, const TenantId& tenant, std::string_view what, Timestamp now);
  Result<std::optional<Timestamp>> last_started(Transaction& tx, const Connection& connection, Timestamp now);
  // Whether the first verification of what the connection is bound to and asks for now is about to begin.
  Result<bool> awaits_first_verification(Transaction& tx, const Connection& connection, Timestamp now);
  // What runs for an older binding ends without an outcome.
  Result<void> close_running_verification(Transaction& tx, const Connection& connection, Timestamp now);
  Verification new_verification(const Connection& connection, Timestamp now);
  // Whether another tenant was active in the connection's account, and accounts are exclusive.
  Result<bool> held_by_another_tenant(Transaction& tx, const Connection& connection);
  // The same for one that claimed it first.
  Result<bool> claimed_by_another_tenant(Transaction& tx, const Connection& connection);
  Result<Timestamp> due_after_unclear(Transaction& tx, const Connection& connection, Timestamp now);
  Result<std::optional<VerificationTask>> claim(Transaction& tx, Connection connection, Timestamp now,
                                                std::chrono::milliseconds lease);
  Result<VerificationFacts> facts_of(Transaction& tx, const Connection& connection,
                                     const VerificationTask& task, VerificationReport report, Timestamp now);

  Result<std::shared_ptr<const Key>> note_use(const SecretString& secret, Timestamp now);

  Store& store_;
  const Clock& clock_;
  Random& random_;
  Settings settings_;
  VerificationCounts verification_counts_;
  WebhookCounts webhook_counts_;
  std::atomic<bool> events_written_ = false;
  std::atomic<std::chrono::steady_clock::rep> next_write_check_ = 0;
  std::unique_ptr<Facts> facts_;
};

}  // namespace deputy::registry
