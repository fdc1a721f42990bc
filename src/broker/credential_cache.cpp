#include "broker/credential_cache.hpp"

#include <utility>
#include <vector>

#include "core/assert.hpp"

namespace deputy::broker {
namespace {

std::vector<std::string> owner_texts(const Owners& owners) {
  std::vector<std::string> texts{owners.connection.text()};
  if (owners.workload) texts.push_back(owners.workload->text());
  return texts;
}

}  // namespace

CredentialCache::CredentialCache(std::size_t entries_max) : entries_max_(entries_max) {
  DEPUTY_ASSERT(entries_max > 0);
}

CredentialCache::Entry* CredentialCache::find(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &*found->second;
}

void CredentialCache::put(Entry entry) {
  if (const auto found = by_key_.find(entry.key); found != by_key_.end()) erase(found->second);
  if (entries_.size() >= entries_max_) erase(std::prev(entries_.end()));
  entries_.push_front(std::move(entry));
  const Entry& kept = entries_.front();
  by_key_.emplace(kept.key, entries_.begin());
  for (const std::string& owner : owner_texts(kept.owners)) by_owner_[owner].insert(&kept);
}

void CredentialCache::erase(Entries::iterator entry) {
  for (const std::string& owner : owner_texts(entry->owners)) {
    const auto owned = by_owner_.find(owner);
    DEPUTY_ASSERT(owned != by_owner_.end());
    owned->second.erase(&*entry);
    if (owned->second.empty()) by_owner_.erase(owned);
  }
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

void CredentialCache::forget_owner(const std::string& owner) {
  const auto owned = by_owner_.find(owner);
  if (owned == by_owner_.end()) return;
  const std::vector<const Entry*> doomed{owned->second.begin(), owned->second.end()};
  for (const Entry* entry : doomed) erase(by_key_.at(entry->key));
}

void CredentialCache::forget(const ConnectionId& connection) {
  forget_owner(connection.text());
}
void CredentialCache::forget(const WorkloadName& workload) {
  forget_owner(workload.text());
}
void CredentialCache::forget_all() {
  by_owner_.clear();
  by_key_.clear();
  entries_.clear();
}

}  // namespace deputy::broker
