#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "aws/credentials.hpp"
#include "core/clock.hpp"
#include "core/identifiers.hpp"

namespace deputy::broker {

// Whose a session is: what is forgotten when access to the connection, or the workload's grants, change.
struct Owners {
  ConnectionId connection;
  std::optional<WorkloadName> workload;
};

// One session of a role, as STS gave it. Shared between the cache and those who are about to hand it out.
struct Session {
  aws::Credentials credentials;
  Timestamp expires_at;                                  // as STS says
  std::chrono::steady_clock::time_point expires_steady;  // the same in time that nobody can set back

  std::chrono::milliseconds life_left(const Clock& clock) const {
    using std::chrono::milliseconds;
    return std::min(std::chrono::floor<milliseconds>(expires_at - clock.now()),
                    std::chrono::floor<milliseconds>(expires_steady - clock.steady_now()));
  }
};

// Sessions by everything that matters to them. Bounded: the one that was least recently used goes first. The
// credentials of what is forgotten are wiped when the last one who hands them out is done. On one thread.
class CredentialCache {
 public:
  struct Entry {
    std::string key;
    Owners owners;
    std::shared_ptr<const Session> session;
    std::chrono::milliseconds refresh_below{0};  // fetched anew when it has no more than this to live
    std::chrono::steady_clock::time_point next_refresh_attempt{};  // while refreshes fail
    std::chrono::steady_clock::time_point outage_until{};          // STS could not be reached a moment ago
  };

  explicit CredentialCache(std::size_t entries_max);  // at least 1

  // nullptr when there is none. Counts as a use. Valid until the cache is changed.
  Entry* find(const std::string& key);
  void put(Entry entry);  // replaces one of the same key
  void forget(const ConnectionId& connection);
  void forget(const WorkloadName& workload);
  void forget_all();
  std::size_t size() const { return by_key_.size(); }

 private:
  using Entries = std::list<Entry>;  // most recently used first
  void erase(Entries::iterator entry);
  void forget_owner(const std::string& owner);

  const std::size_t entries_max_;
  Entries entries_;
  std::unordered_map<std::string, Entries::iterator> by_key_;
  // By the text of a connection's identifier or a workload's name: no text is both.
  std::unordered_map<std::string, std::unordered_set<const Entry*>> by_owner_;
};

}  // namespace deputy::broker
