#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/secret.hpp"
#include "registry/model.hpp"
#include "registry/recently_used.hpp"
#include "registry/store.hpp"

namespace deputy::registry {

// A connection, and whether its last verification was made as the partner that runs now.
struct ConnectionFact {
  Connection connection;
  bool verified_for_us = false;
};

// What decides on credentials, in memory: keys, connections, workloads, as they stand in the database.
// Bounded: what was least recently used goes first.
//
// Exact, by three rules. Whatever a write touches is dropped before that write returns, so nobody who was
// told that a key is revoked or a connection disconnected finds it here as it was. Whoever reads in order to
// put something in takes a `mark` first, and it is kept only if nothing was touched since: what was read
// before a change never comes in after it. And under the store's write lock (in a transaction that writes)
// what is here is what is in the database, for no write is under way and a foreign one was told of before.
//
// Thread-safe. Secrets are held as hashes under a key that this process drew for itself.
class Facts final : public WriteListener {
 public:
  struct Limits {
    std::size_t connections_max = 100'000;
    std::size_t keys_max = 20'000;
    std::size_t workloads_max = 2'000;
  };
  using Mark = std::uint64_t;

  explicit Facts(Limits limits);
  Facts(const Facts&) = delete;
  Facts& operator=(const Facts&) = delete;
  virtual ~Facts() = default;

  Mark mark() const;

  std::shared_ptr<const ConnectionFact> connection(const ConnectionId& id);
  std::shared_ptr<const Workload> workload(const WorkloadName& name);
  std::shared_ptr<const Key> key(const KeyId& id);
  std::shared_ptr<const Key> key(const SecretString& secret);

  void put(Mark mark, std::shared_ptr<const ConnectionFact> fact);
  void put(Mark mark, std::shared_ptr<const Workload> workload);
  void put(Mark mark, std::shared_ptr<const Key> key);  // known by its identifier alone: one that made others
  void put(Mark mark, const SecretString& secret, std::shared_ptr<const Key> key);

  // Whether the caller is the one to note this key's use in the database; then nobody else is, for a while.
  bool take_noting(const Key& key, Timestamp now);

  void touched(const Touched& what) noexcept override;

 private:
  struct KnownKey {
    std::shared_ptr<const Key> key;
    std::string digest;  // of its secret; empty while that was not seen
    std::optional<Timestamp> noting_until;
  };
  std::string digest_of(const SecretString& secret) const;

  const SecretString hash_key_;
  mutable std::mutex mutex_;
  Mark mark_ = 0;  // counts what was touched
  RecentlyUsed<std::shared_ptr<const ConnectionFact>> connections_;
  RecentlyUsed<std::shared_ptr<const Workload>> workloads_;
  RecentlyUsed<KnownKey> keys_;        // by identifier; what is not here is not known
  RecentlyUsed<std::string> secrets_;  // a secret's digest → the identifier of its key
};

// How often a key's use is written down.
inline constexpr std::chrono::minutes use_noted_every{1};

}  // namespace deputy::registry
