#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/base_credentials.hpp"
#include "aws/sts.hpp"
#include "broker/tally.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/random.hpp"
#include "core/work_pool.hpp"
#include "registry/registry.hpp"

namespace deputy::broker {

// What a caller may ask for, each already well formed.
struct CredentialOptions {
  std::optional<std::chrono::seconds> duration;  // 1,800–43,200
  std::optional<std::string> session_policy;     // JSON, 2,048 characters at most
  std::vector<std::pair<std::string, std::string>> tags;
  std::optional<std::string> session_name;  // suffix; 2–32 of the session name's characters
  std::optional<SessionName> source_identity;
  std::optional<Region> region;
  std::optional<std::string> reason;  // for the record; not part of the cache's key
};

struct CredentialRequest {
  registry::Actor actor;
  std::shared_ptr<const registry::Key> key;  // authenticated; never null
  ConnectionId connection_id;
  CredentialOptions options;
  bool for_logs = false;  // made by Broker::issue_for_logs alone: no caller's request says so
};

struct IssuedCredentials {
  std::shared_ptr<const aws::Credentials> credentials;  // the cache has them too; never null
  AccountId account_id;
  Region region;
  registry::Issuance issuance;
};

struct BrokerSettings {
  Region region;
  std::chrono::seconds default_duration{3600};
  std::chrono::seconds life_min = std::chrono::minutes{15};        // never handed out with less
  std::chrono::seconds outage_life_min = std::chrono::minutes{1};  // but while STS cannot be reached
  std::chrono::seconds denied_memory{10};   // a denial is remembered this long under its full key
  std::size_t cache_entries_max = 100'000;  // least recently used go first; credentials.cache_entries
  double sts_rate = 100;                    // AssumeRole calls a second per Region, credentials.sts_rate
  double verification_share = 0.2;          // of it, verification.sts_share
  int sts_attempts_max = 3;                 // for one session, where a failure may pass by itself
  std::chrono::milliseconds answer_wait_max{10'000};  // a request waits no longer for STS
  std::chrono::milliseconds verification_max_age = std::chrono::hours{72};
};

// Gives out short-lived credentials, by connection and within grants only. In memory only. Concurrent misses
// of one key join one STS call. The journal's entry is durable before the credentials leave, and it is
// written in a transaction that sees the connection still active under the same binding. On one loop's
// thread.
class Broker {
 public:
  Broker(EventLoop& loop, const Clock& clock, Random& random, WorkPool& pool, registry::Registry& registry,
         aws::Sts& sts, aws::CredentialsProvider& base, BrokerSettings settings);
  ~Broker();

  // `not_found` for what the key may not even know of; `forbidden` for options beyond the grant;
  // `connection_not_active`, `verification_expired`, `role_denied`, `upstream_throttled`,
  // `upstream_unavailable`, `overloaded`.
  Task<Result<IssuedCredentials>> issue(CredentialRequest request);

  // Credentials for the log collector, which is part of Deputy and has no key: on record as `logs`, under a
  // session name of its own, and good for nothing but listing log groups and reading their events. Only a
  // connection whose integration asks for logs is collected from: that is for the caller to see to. Errors as
  // `issue`.
  Task<Result<IssuedCredentials>> issue_for_logs(ConnectionId connection, Region region);
  // Called from `revoke` of a connection and from `halt` (with nullopt: all), before they return: whoever
  // holds credentials that were issued drops them.
  void on_revoked(std::function<void(const std::optional<ConnectionId>&)> revoked);

  // Forgets everything cached or being fetched for the connection: what is in flight for it is not handed
  // out.
  void revoke(const ConnectionId& connection);
  // The same for everything a workload was given: its grants changed.
  void revoke(const WorkloadName& workload);
  // What is under way for this key, and for keys that were made with it, is not handed out. (What is cached
  // belongs to its workload: others of its keys may have it.)
  void revoke(const KeyId& key);

  // Gives nothing out from now on, to nobody: what it decides by cannot be trusted any more.
  void halt();

  // STS for whoever verifies roles: the same, but that calls of AssumeRole keep to verification's share of
  // the quota and leave the rest to issuing. A call that would have to wait for too long is `throttled`, with
  // the code `QuotaExhausted`. Lives as long as the broker.
  aws::Sts& sts_for_verification();

  // What is counted, and how it stands at the moment.
  struct Counts : Tally {
    std::uint64_t entries = 0;  // in the cache
    std::uint64_t entries_max = 0;
    std::uint64_t under_way = 0;        // requests for credentials
    std::uint64_t records_waiting = 0;  // of these, those whose record waits for a transaction
    double quota_rate = 0;              // calls a second that the Region most held back may have
    double quota_rate_max = 0;
  };
  Counts counts() const;

  Task<void> stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::broker
