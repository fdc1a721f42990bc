#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "broker/broker.hpp"
#include "broker/credential_cache.hpp"
#include "broker/remembered.hpp"
#include "broker/session_source.hpp"
#include "core/task_group.hpp"

namespace deputy::broker {

// What to ask of STS, and under which key to keep the answer.
struct Order {
  std::string key;
  Owners owners;
  SessionOrder session;
};

struct Obtained {
  std::shared_ptr<const Session> session;
  registry::IssuanceSource source = registry::IssuanceSource::sts;
};

// Sessions, from the cache or from STS: concurrent misses of one key join one call; what nears its end is
// fetched anew beside the hit that is served; what STS refused is remembered for a while; in an outage what
// is still good serves on. Knows nothing of grants or records. On one loop's thread; references outlive it.
//
// A session is fresh while it has `life_min` left. Refreshing begins a good while before that, so that hits
// of a session in use never wait. In an outage whatever has `outage_life_min` left is handed out: where there
// is such a session STS has half a second to answer, and `answer_wait_max` where there is none. It is handed
// out at once while the latest call failed less than half a minute ago, or is up and was found to be late.
class Sessions {
 public:
  Sessions(SessionSource::Surroundings around, const BrokerSettings& settings);

  // `role_denied`, `invalid_request`, `forbidden`, `upstream_throttled`, `upstream_unavailable`.
  Task<Result<Obtained>> obtain(const Order& order);

  // Forgets what is cached, and what was denied, and sees to it that what is being fetched is not kept.
  // Requests that wait for it still get it: whoever revokes marks those.
  void forget(const ConnectionId& connection);
  void forget(const WorkloadName& workload);
  void forget_all();

  std::size_t size() const { return cache_.size(); }
  Task<void> stop();

 private:
  using SessionPointer = std::shared_ptr<const Session>;
  struct Flight;
  struct Landing;

  // `flight` outlives it: whoever awaits holds it.
  Task<Result<Obtained>> arrival(const std::string& key, Flight& flight, bool joined);
  bool is_known_outage(const CredentialCache::Entry& entry) const;
  SessionPointer good_in_outage(const std::string& key);
  std::shared_ptr<Flight> take_off(const Order& order, bool refreshes = false);
  Task<void> fly(Order order, std::shared_ptr<Flight> flight);
  void keep(const Order& order, SessionPointer session);
  void note_failure(const Order& order, const Error& error);
  void note_outage(const std::string& key);
  void refresh_ahead(CredentialCache::Entry& entry, const Order& order);
  template <class Matches>
  void abandon_flights(Matches matches);

  SessionSource::Surroundings around_;
  const BrokerSettings settings_;
  SessionSource source_;
  CredentialCache cache_;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;
  Remembered<Error> refused_;
  TaskGroup group_;
};

}  // namespace deputy::broker
