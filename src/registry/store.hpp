#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/secret.hpp"
#include "journal/journal.hpp"
#include "registry/model.hpp"

// What the registry needs of a database; `storage` implements it, and one conformance suite
// (tests/conformance/) holds every implementation to it.
namespace deputy::registry {

struct PageRequest {
  std::size_t limit = 50;  // 1–200
  std::string after;       // opaque cursor of the page before; empty: from the start
};
template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next_cursor;
};

struct ConnectionFilter {
  std::optional<TenantId> tenant_id;
  std::optional<ConnectionState> state;
};

// A POST that creates, told to happen once: `scope` is the caller's key and the route, `key` the header's
// text, `fingerprint` a hash of the request.
struct Idempotency {
  std::string scope;
  std::string key;
  std::string fingerprint;
};
struct IdempotencyRecord {
  std::string fingerprint;
  std::string object_id;  // what the first one made
};

struct LiveKeys {
  std::size_t count = 0;
  std::optional<Timestamp> first_expiry;
};

// One transaction: sees a consistent state; what it writes is there whole or not at all. Blocking; use on one
// thread. Every read checks that the row is authentic (it was written by Deputy, for this place, and not
// edited since): one that is not is `internal`, never a value. Errors: `conflict` for what must be unique or
// was changed meanwhile; `overloaded` when the database is busy; `internal` else.
class Transaction {
 public:
  virtual ~Transaction() = default;

  virtual Result<void> insert(
      const Tenant& tenant) = 0;  // `conflict` with field `reference` when that is taken
  virtual Result<std::optional<Tenant>> find_tenant(const TenantId& id) = 0;
  virtual Result<std::optional<Tenant>> find_tenant_by_reference(const std::string& reference) = 0;
  virtual Result<Page<Tenant>> list_tenants(const PageRequest& page) = 0;

  virtual Result<void> insert(const Integration& integration) = 0;  // `conflict` when name and version exist
  virtual Result<std::optional<Integration>> find_integration(
      const IntegrationName& name, std::optional<int> version) = 0;  // newest without
  virtual Result<Page<Integration>> list_integrations(
      const PageRequest& page) = 0;  // the newest version of each

  // Claims an external ID for ever: `conflict` when it was ever issued, in whatever case it is spelled.
  virtual Result<void> claim_external_id(const ExternalId& id, const ConnectionId& owner) = 0;
  virtual Result<void> insert(
      const Connection& connection) = 0;  // its external ID must have been claimed for it
  // Writes revision + 1; `conflict` when the stored revision is not `connection.revision`.
  virtual Result<void> update(const Connection& connection) = 0;
  virtual Result<std::optional<Connection>> find_connection(const ConnectionId& id) = 0;
  virtual Result<Page<Connection>> list_connections(const ConnectionFilter& filter,
                                                    const PageRequest& page) = 0;  // newest first
  // The tenant's of one integration that are in one of these states, newest first, at most `limit`.
  virtual Result<std::vector<Connection>> connections_of(const TenantId& tenant,
                                                         const IntegrationName& integration,
                                                         std::span<const ConnectionState> states,
                                                         std::size_t limit) = 0;
  // Connections that hold this AWS account, at most `limit`.
  virtual Result<std::vector<Connection>> connections_holding(const AccountId& account,
                                                              std::size_t limit) = 0;
  // The connection that has claimed this AWS account the longest (`account_claimed_at`).
  virtual Result<std::optional<Connection>> first_to_claim(const AccountId& account) = 0;
  // Those with next_verification_at <= now, the longest due first.
  virtual Result<std::vector<Connection>> due_connections(Timestamp now, std::size_t limit) = 0;
  virtual Result<std::optional<Timestamp>> earliest_due() = 0;
  // How many connections are in each state; states without one are absent. A number for people to watch: the
  // rows themselves are not read, so nothing is decided by it.
  virtual Result<std::map<ConnectionState, std::size_t>> count_connections() = 0;

  virtual Result<void> insert(const Verification& verification) = 0;
  virtual Result<void> update(const Verification& verification) = 0;
  virtual Result<std::optional<Verification>> find_verification(const ConnectionId& connection,
                                                                const VerificationId& id) = 0;
  virtual Result<std::optional<Verification>> running_verification(const ConnectionId& connection) = 0;
  virtual Result<std::vector<Verification>> running_verifications(std::size_t limit) = 0;
  virtual Result<Page<Verification>> list_verifications(const ConnectionId& connection,
                                                        const PageRequest& page) = 0;  // newest first
  // How many of the tenant's were started at `since` or later on request (not by the schedule).
  virtual Result<std::size_t> count_requested(const TenantId& tenant, std::string_view what,
                                              Timestamp since) = 0;
  // Notes one request of `what` (`verification`, `rotation`) for the count above.
  virtual Result<void> note_requested(const TenantId& tenant, std::string_view what, Timestamp at) = 0;

  virtual Result<void> put(const Workload& workload) = 0;
  virtual Result<std::optional<Workload>> find_workload(const WorkloadName& name) = 0;
  virtual Result<Page<Workload>> list_workloads(const PageRequest& page) = 0;

  // Stores a keyed hash of the secret, never the secret.
  virtual Result<void> insert(const Key& key, const SecretString& secret) = 0;
  virtual Result<void> update(const Key& key) = 0;
  virtual Result<std::optional<Key>> find_key(const KeyId& id) = 0;
  virtual Result<std::optional<Key>> find_key_by_secret(const SecretString& secret) = 0;
  virtual Result<Page<Key>> list_keys(const PageRequest& page) = 0;
  // Of the keys that were made with this one: how many are neither expired nor revoked, and when the first of
  // them expires. For a bound only: the rows themselves are not read.
  virtual Result<LiveKeys> count_live_keys_made_with(const KeyId& maker, Timestamp now) = 0;
  // Removes keys for one connection that expired before `time`, at most `limit`, the longest expired first.
  virtual Result<void> forget_narrowed_keys_expired_before(Timestamp time, std::size_t limit) = 0;

  // Stores a keyed hash of the secret, never the secret.
  virtual Result<void> insert(const ConnectSession& session, const SecretString& secret) = 0;
  virtual Result<void> update(const ConnectSession& session) = 0;
  virtual Result<std::optional<ConnectSession>> find_connect_session(const ConnectSessionId& id) = 0;
  // The session, if that is its secret; compared in constant time.
  virtual Result<std::optional<ConnectSession>> find_connect_session(const ConnectSessionId& id,
                                                                     const SecretString& secret) = 0;
  virtual Result<Page<ConnectSession>> list_connect_sessions(const std::optional<TenantId>& tenant,
                                                             const PageRequest& page) = 0;  // newest first
  // Removes the oldest of those that were made before `time`, at most `limit`; how many they were.
  virtual Result<std::size_t> forget_connect_sessions_before(Timestamp time, std::size_t limit) = 0;

  // Events that wait to be delivered. `insert` gives the sequence, and the time of the first attempt
  // (`created_at`) when no older event of the connection is waiting; what is removed lets the next one in.
  virtual Result<void> insert(const WebhookEvent& event) = 0;
  virtual Result<void> update(const WebhookEvent& event) = 0;
  virtual Result<void> remove(const WebhookEvent& event) = 0;
  virtual Result<std::optional<WebhookEvent>> find_webhook_event(const WebhookEventId& id) = 0;
  // Those with next_attempt_at <= now, the longest due first.
  virtual Result<std::vector<WebhookEvent>> due_webhook_events(Timestamp now, std::size_t limit) = 0;
  virtual Result<std::optional<Timestamp>> earliest_webhook_due() = 0;
  virtual Result<std::optional<WebhookEvent>> oldest_webhook_event() = 0;
  virtual Result<std::size_t> count_webhook_events() = 0;

  // Of a connection that was seen in this transaction, or is known to be there: not looked for again.
  virtual Result<void> insert(const Issuance& issuance) = 0;
  virtual Result<Page<Issuance>> list_issuances(const ConnectionId& connection,
                                                const PageRequest& page) = 0;  // newest first

  virtual Result<std::optional<IdempotencyRecord>> find_idempotency(const std::string& scope,
                                                                    const std::string& key) = 0;
  virtual Result<void> insert_idempotency(const Idempotency& idempotency, const std::string& object_id,
                                          Timestamp at) = 0;
  virtual Result<void> forget_idempotency_before(Timestamp time) = 0;

  // A keyed hash of a value that is sealed, for the journal: the same for the same value of the same `kind`,
  // and nothing else can be told by it. Hexadecimal.
  virtual std::string journal_mark(std::string_view kind, std::string_view value) = 0;
  // Gives the entry its sequence and its place in the chain. The entry's own `sequence` is ignored.
  virtual Result<void> append(const journal::Entry& entry) = 0;
  virtual Result<Page<journal::ChainedEntry>> list_journal(const PageRequest& page) = 0;  // oldest first
  virtual Result<std::optional<journal::Checkpoint>> journal_head() = 0;
};

// What a write touched of that which decides on credentials, and what may have changed behind it.
struct Touched {
  std::vector<ConnectionId> connections;  // the rows themselves, and their verifications
  std::vector<WorkloadName> workloads;
  std::vector<KeyId> keys;
  bool everything = false;  // another process wrote

  bool empty() const { return connections.empty() && workloads.empty() && keys.empty() && !everything; }
};

// Who holds in memory what stands in the database. It is told of what a write touched before that write
// returns and before the next one begins, whether it succeeded or not; and, before a write's work begins,
// that another process wrote since. On the writer's thread; must not use the store.
class WriteListener {
 public:
  virtual void touched(const Touched& what) noexcept = 0;

 protected:
  ~WriteListener() = default;
};

// A database. Thread-safe and blocking: call it from a WorkPool, never from an event loop.
class Store {
 public:
  virtual ~Store() = default;

  // Added before it is needed and removed before it ends; several may listen.
  virtual void add_listener(WriteListener& listener) = 0;
  virtual void remove_listener(WriteListener& listener) = 0;

  // Runs `work` in a transaction that is durable when this returns success. When `work` fails nothing is
  // written. `work` may run again after a serialization conflict (PostgreSQL), so it has no effects of its
  // own.
  virtual Result<void> write(const std::function<Result<void>(Transaction&)>& work) = 0;
  virtual Result<void> read(const std::function<Result<void>(Transaction&)>& work) = 0;

  // Why the last write came to nothing, where that stands in the way of every write: no space left, a file
  // that is locked or may not be written, a disk that fails. Nothing once a write succeeded. Does not block.
  virtual std::optional<Error> write_trouble() const = 0;
  // Writes again what is there, to see whether that goes.
  virtual Result<void> try_to_write() = 0;

  // Reads every row and the journal and says whether all is authentic and complete: rows edited, moved,
  // deleted or rolled back, entries removed, changed, reordered or added; with a checkpoint, a tail cut off.
  // `conflict` with what was found first.
  virtual Result<journal::Checkpoint> check_integrity(
      const std::optional<journal::Checkpoint>& checkpoint) = 0;
};

}  // namespace deputy::registry
