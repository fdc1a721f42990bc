#include "registry/facts.hpp"

#include <sodium.h>

#include "core/assert.hpp"

namespace deputy::registry {
namespace {

constexpr std::chrono::seconds noting_takes_max{
    10};  // whoever took it on and failed is not waited for longer

SecretString drawn_key() {
  std::string bytes(crypto_generichash_KEYBYTES, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return SecretString::take(bytes);
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Facts::Facts(Limits limits)
    : hash_key_(drawn_key()),
      connections_(limits.connections_max),
      workloads_(limits.workloads_max),
      keys_(limits.keys_max),
      secrets_(limits.keys_max) {}

std::string Facts::digest_of(const SecretString& secret) const {
  std::string digest(crypto_generichash_BYTES, '\0');
  const std::string_view text = secret.reveal();
  const std::string_view key = hash_key_.reveal();
  const int result = crypto_generichash(reinterpret_cast<unsigned char*>(digest.data()), digest.size(),
                                        bytes_of(text), text.size(), bytes_of(key), key.size());
  DEPUTY_ASSERT(result == 0);
  return digest;
}

Facts::Mark Facts::mark() const {
  const std::lock_guard lock{mutex_};
  return mark_;
}

std::shared_ptr<const ConnectionFact> Facts::connection(const ConnectionId& id) {
  const std::lock_guard lock{mutex_};
  const auto* const found = connections_.find(id.text());
  return found == nullptr ? nullptr : *found;
}

std::shared_ptr<const Workload> Facts::workload(const WorkloadName& name) {
  const std::lock_guard lock{mutex_};
  const auto* const found = workloads_.find(name.text());
  return found == nullptr ? nullptr : *found;
}

std::shared_ptr<const Key> Facts::key(const KeyId& id) {
  const std::lock_guard lock{mutex_};
  const auto* const found = keys_.find(id.text());
  return found == nullptr ? nullptr : found->key;
}

std::shared_ptr<const Key> Facts::key(const SecretString& secret) {
  const std::string digest = digest_of(secret);
  const std::lock_guard lock{mutex_};
  const auto* const id = secrets_.find(digest);
  const auto* const known = id == nullptr ? nullptr : keys_.find(*id);
  return known == nullptr || known->digest != digest ? nullptr : known->key;
}

void Facts::put(Mark mark, std::shared_ptr<const ConnectionFact> fact) {
  const std::lock_guard lock{mutex_};
  if (mark != mark_) return;
  std::string id = fact->connection.id.text();
  connections_.put(std::move(id), std::move(fact));
}

void Facts::put(Mark mark, std::shared_ptr<const Workload> workload) {
  const std::lock_guard lock{mutex_};
  if (mark != mark_) return;
  std::string name = workload->name.text();
  workloads_.put(std::move(name), std::move(workload));
}

void Facts::put(Mark mark, std::shared_ptr<const Key> key) {
  const std::lock_guard lock{mutex_};
  if (mark != mark_ || keys_.find(key->id.text()) != nullptr) return;
  std::string id = key->id.text();
  keys_.put(std::move(id), {std::move(key), {}, std::nullopt});
}

void Facts::put(Mark mark, const SecretString& secret, std::shared_ptr<const Key> key) {
  std::string digest = digest_of(secret);
  const std::lock_guard lock{mutex_};
  if (mark != mark_) return;
  secrets_.put(digest, key->id.text());
  std::string id = key->id.text();
  keys_.put(std::move(id), {std::move(key), std::move(digest), std::nullopt});
}

bool Facts::take_noting(const Key& key, Timestamp now) {
  const std::lock_guard lock{mutex_};
  auto* const known = keys_.find(key.id.text());
  if (known == nullptr) return true;
  if (known->noting_until && now < *known->noting_until) return false;
  known->noting_until = now + noting_takes_max;
  return true;
}

void Facts::touched(const Touched& what) noexcept {
  const std::lock_guard lock{mutex_};
  ++mark_;
  if (what.everything) {
    connections_.clear();
    workloads_.clear();
    keys_.clear();
    secrets_.clear();
    return;
  }
  for (const ConnectionId& id : what.connections) connections_.erase(id.text());
  for (const WorkloadName& name : what.workloads) workloads_.erase(name.text());
  for (const KeyId& id : what.keys) keys_.erase(id.text());
}

}  // namespace deputy::registry
