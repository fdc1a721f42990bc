#pragma once

#include "logs/committer.hpp"
#include "logs/counts.hpp"
#include "logs/source_machine.hpp"
#include "logs/spool.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/logs.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/random.hpp"

namespace deputy::logs {

// What is to be collected through one connection.
struct Subscription {
  TenantId tenant;
  ConnectionId connection;
  AccountId account;
  std::vector<Region> regions;
  std::vector<std::string> groups;  // patterns, group_pattern.hpp
  Timestamp since;                  // the connection was made
};

// Which connections there are to collect from: the active ones whose integration asks for logs.
class Subscriptions {
 public:
  virtual ~Subscriptions() = default;
  virtual Task<Result<std::vector<Subscription>>> active() = 0;
};

// Credentials of a connection, and the account that they are of.
struct CollectingCredentials {
  aws::Credentials credentials;
  AccountId account;
};
class CredentialsSource {
 public:
  virtual ~CredentialsSource() = default;
  virtual Task<Result<CollectingCredentials>> get(ConnectionId connection, Region region) = 0;
  // Those that were given last are no good.
  virtual void forget(const ConnectionId& connection) = 0;
};

struct CollectorSettings {
  SourcePlan plan;
  std::string holder;  // of leases: unique to this process
  std::chrono::milliseconds lease = std::chrono::seconds{60};
  std::chrono::milliseconds discovery = std::chrono::minutes{5};
  std::chrono::milliseconds lookback =
      std::chrono::hours{1};  // of groups that are older than their connection
  std::chrono::milliseconds forgetting = std::chrono::hours{1};  // how often what is gone is looked for
  // What is known of a connection's sources is kept so long after it was collected from last.
  std::chrono::milliseconds connection_memory = std::chrono::days{30};
  // Of FilterLogEvents at once: where much is to be read, so that pages have room in memory, and where little
  // is. AWS takes a tenth of a second for a call, and a hundred thousand quiet groups are asked each minute.
  std::size_t calls_max = 32;
  std::size_t quiet_calls_max = 384;
  std::size_t discoveries_max = 16;  // at once
  std::size_t discoveries_per_tenant_max = 4;
  std::size_t windows_per_tenant_max = 16;   // open at once
  std::uint64_t identities_max = 8'000'000;  // in memory, of all open windows
  // A tenant that has more of them opens no further window: others find room.
  std::uint64_t identities_per_tenant_max = 1'000'000;
};

// A source as people see it.
struct SourceView {
  Source source;
  std::chrono::milliseconds lag{0};
  std::chrono::milliseconds poll{0};
};
struct SourcePage {
  std::vector<SourceView> items;
  std::string next;  // give it as `after`; empty: these were the last
};
// What discovering the groups of a connection in a Region said last.
struct DiscoveryView {
  TenantId tenant;
  ConnectionId connection;
  Region region;
  bool held = false;  // by this process
  std::size_t sources = 0;
  std::optional<Timestamp> last_success;
  std::optional<SourceError> last_error;
  std::size_t denied = 0;                  // groups that AWS denies reading
  std::vector<std::string> denied_groups;  // their names, the first twenty
};
// What all sources of a tenant come to.
struct TenantView {
  std::string tenant;
  std::uint64_t sources = 0, events = 0, message_bytes = 0;
  std::chrono::milliseconds lag_max{0};  // of active ones
};
// What reading a stretch of a log group again found, beside what was collected of it.
struct AuditReport {
  struct Minute {
    EventTime begin;
    std::uint64_t found = 0;      // events that AWS has
    std::uint64_t collected = 0;  // of them, those that were collected
  };
  std::vector<Minute> minutes;  // those with events
  std::uint64_t found = 0, collected = 0;
  std::vector<std::string> missing;  // event IDs, the first hundred
};

// Reads CloudWatch Logs of every subscription into the spool, by the algorithm of source_machine.hpp: fair
// among tenants and groups, within each account's quota, under leases. Everything that is known is in the
// spool: a collector may be stopped, or killed, at any moment. On one loop's thread; blocks nowhere.
class Collector {
 public:
  struct Surroundings {
    EventLoop& loop;
    const Clock& clock;
    Random& random;
    aws::Logs& logs;
    CredentialsSource& credentials;
    Subscriptions& subscriptions;
    Spool& spool;
    Blocking& reading;  // pages, and what was seen
    Blocking& writing;  // commits
  };
  Collector(Surroundings around, CollectorSettings settings);
  ~Collector();

  void start();
  // Looks for subscriptions and groups at once.
  void wake();
  // The connection may not be used any more (suspended, disconnected, bound anew): nothing that is under way
  // for it is kept, and nothing is asked with its credentials from now on, until `wake` finds it active.
  void drop(const ConnectionId& connection);
  void drop_all();
  Task<void> stop();

  // Reads [from, to) of a log group again, all of it, within the quota, and says which of its events were
  // collected. Only where identities are still kept (26 hours, and what the rescans are behind), and an hour
  // at most. `not_found` for a group that is not collected here; `invalid_request` for a stretch that cannot
  // be audited, one whose end is not collected yet among them; `conflict` while the lease is another's;
  // `overloaded` while another audit is under way.
  Task<Result<AuditReport>> audit(ConnectionId connection, Region region, std::string group, EventTime from,
                                  EventTime to);

  CollectorCounts counts() const;  // at once, however many sources there are
  // A page of the sources in the order of connection and group. `invalid_request` for an `after` that no page
  // gave.
  Result<SourcePage> sources(const std::optional<TenantId>& tenant,
                             const std::optional<ConnectionId>& connection, const std::string& after,
                             std::size_t limit) const;
  void for_each_source(
      const std::function<void(const Source& source, std::chrono::milliseconds lag)>& each) const;
  // Those after the one that is named, `limit` at most, in the order of tenants, and of connections and
  // Regions. At once as well, but for their own number.
  std::vector<TenantView> tenants(const std::string& after = {}, std::size_t limit = no_limit) const;
  std::vector<DiscoveryView> discoveries(const std::pair<std::string, std::string>& after = {},
                                         std::size_t limit = no_limit) const;
  static constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::logs
