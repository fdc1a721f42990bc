#pragma once

#include "logs/record.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

namespace deputy::logs {

// Whose turn it is: tenants in deficit round-robin, by the bytes that were fetched for them; within a tenant
// whoever is furthest behind. A tenant with a thousand busy groups gets no more than one with a single quiet
// group that has something to read. Pure; Item is compared by address.
template <class Item>
class FairQueue {
 public:
  static constexpr std::int64_t quantum_bytes = 1'200'000;  // about a full page

  // `since`: up to when the item is read; the earliest goes first.
  void push(const TenantId& tenant, Item* item, EventTime since) {
    Lane& lane = lane_of(tenant);
    if (lane.waiting.empty()) {
      lane.place = round_.insert(round_.end(), tenant.text());
    }
    lane.waiting.emplace(since, item);
    ++size_;
  }
  void remove(const TenantId& tenant, Item* item, EventTime since) {
    const auto lane = lanes_.find(tenant.text());
    if (lane == lanes_.end() || lane->second.waiting.erase({since, item}) == 0) return;
    --size_;
    if (lane->second.waiting.empty()) leave(lane);
  }
  // The tenant has nothing any more: its debt goes with it.
  void forget(const TenantId& tenant) {
    const auto lane = lanes_.find(tenant.text());
    if (lane != lanes_.end() && lane->second.waiting.empty()) lanes_.erase(lane);
  }
  std::size_t tenants() const { return lanes_.size(); }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // The next item, taken out; nullptr when there is none. Each call moves the round on: a tenant whose
  // deficit is used up waits until the others had as much.
  Item* pop() {
    while (!round_.empty()) {
      const auto lane = lanes_.find(round_.front());
      Lane& turn = lane->second;
      if (turn.deficit <= 0) {
        turn.deficit += quantum_bytes;
        round_.splice(round_.end(), round_, round_.begin());
        continue;
      }
      Item* const item = turn.waiting.begin()->second;
      turn.waiting.erase(turn.waiting.begin());
      --size_;
      round_.splice(round_.end(), round_, round_.begin());
      if (turn.waiting.empty()) leave(lane);
      return item;
    }
    return nullptr;
  }
  // What a turn cost.
  void charge(const TenantId& tenant, std::uint64_t bytes) {
    const auto lane = lanes_.find(tenant.text());
    if (lane == lanes_.end()) return;
    lane->second.deficit =
        std::max(lane->second.deficit - static_cast<std::int64_t>(bytes), -8 * quantum_bytes);
  }

 private:
  struct Lane {
    std::int64_t deficit = quantum_bytes;
    std::set<std::pair<EventTime, Item*>> waiting;
    std::list<std::string>::iterator place;
  };
  using Lanes = std::unordered_map<std::string, Lane>;

  Lane& lane_of(const TenantId& tenant) { return lanes_[tenant.text()]; }
  // A debt is kept: who fetched much and comes back must not begin anew.
  void leave(typename Lanes::iterator lane) {
    round_.erase(lane->second.place);
    lane->second.deficit = std::min(lane->second.deficit, quantum_bytes);
  }

  Lanes lanes_;
  std::list<std::string> round_;
  std::size_t size_ = 0;
};

}  // namespace deputy::logs
