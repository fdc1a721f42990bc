#pragma once

#include "logs/record.hpp"

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace deputy::logs {

// Whose turn it is: tenants in deficit round-robin, by the bytes that were fetched for them; within a tenant
// whoever is furthest behind. A tenant with a thousand busy groups gets no more than one with a single quiet
// group that has something to read. A tenant that has its share of the open windows is passed over, but for
// those of its items that have one: they must come to their end. Pure; Item is compared by address.
template <class Item>
class FairQueue {
 public:
  static constexpr std::int64_t quantum_bytes = 1'200'000;  // about a full page

  // `since`: up to when the item is read; the earliest goes first. `open`: it has a window already.
  void push(const TenantId& tenant, Item* item, EventTime since, bool open = false) {
    const auto lane = lanes_.try_emplace(tenant.text()).first;
    (open ? lane->second.open : lane->second.waiting).emplace(since, item);
    if (open) open_.emplace(std::pair{since, item}, lane->first);
    ++size_;
    settle(lane);
  }
  void remove(const TenantId& tenant, Item* item, EventTime since) {
    const auto lane = lanes_.find(tenant.text());
    if (lane == lanes_.end()) return;
    if (lane->second.waiting.erase({since, item}) + lane->second.open.erase({since, item}) == 0) return;
    open_.erase({since, item});
    --size_;
    settle(lane);
  }
  // The tenant has nothing any more: its debt goes with it.
  void forget(const TenantId& tenant) {
    const auto lane = lanes_.find(tenant.text());
    if (lane == lanes_.end() || !lane->second.waiting.empty() || !lane->second.open.empty()) return;
    crowded_.erase(lane->first);
    lanes_.erase(lane);
  }
  std::size_t tenants() const { return lanes_.size(); }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // The tenant may open no further window: only what has one has its turn, until `admit`.
  void crowd(const TenantId& tenant) {
    const auto lane = lanes_.try_emplace(tenant.text()).first;
    crowded_.insert(lane->first);
    settle(lane);
  }
  // True when it was crowded.
  bool admit(const std::string& tenant) {
    if (crowded_.erase(tenant) == 0) return false;
    settle(lanes_.find(tenant));
    return true;
  }
  // Whether another tenant than this has something whose turn may come.
  bool others_wait(const TenantId& tenant) const {
    return round_.size() > 1 || (round_.size() == 1 && round_.front() != tenant.text());
  }

  // The next item, taken out; nullptr when there is none. Each call moves the round on: a tenant whose
  // deficit is used up waits until the others had as much.
  Item* pop() {
    while (!round_.empty()) {
      const auto lane = lanes_.find(round_.front());
      Lane& turn = lane->second;
      round_.splice(round_.end(), round_, round_.begin());
      if (turn.deficit <= 0) {
        turn.deficit += quantum_bytes;
        continue;
      }
      const bool from_open = turn.waiting.empty() || crowded_.contains(lane->first) ||
                             (!turn.open.empty() && *turn.open.begin() < *turn.waiting.begin());
      auto& source = from_open ? turn.open : turn.waiting;
      Item* const item = source.begin()->second;
      if (from_open) open_.erase(*source.begin());
      source.erase(source.begin());
      --size_;
      settle(lane);
      return item;
    }
    return nullptr;
  }
  // Of those alone that have a window, whosever they are: where there is no room for another window, they are
  // what makes room.
  Item* pop_open() {
    if (open_.empty()) return nullptr;
    const auto first = open_.begin();
    const auto lane = lanes_.find(first->second);
    Item* const item = first->first.second;
    lane->second.open.erase(first->first);
    open_.erase(first);
    --size_;
    settle(lane);
    return item;
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
    std::set<std::pair<EventTime, Item*>> waiting, open;
    bool in_round = false;
    std::list<std::string>::iterator place;
  };
  using Lanes = std::unordered_map<std::string, Lane>;

  // A lane is in the round while something in it may have its turn. A debt is kept when it leaves: who
  // fetched much and comes back must not begin anew.
  void settle(typename Lanes::iterator lane) {
    Lane& settled = lane->second;
    const bool ready = !settled.open.empty() || (!settled.waiting.empty() && !crowded_.contains(lane->first));
    if (ready == settled.in_round) return;
    settled.in_round = ready;
    if (ready) {
      settled.place = round_.insert(round_.end(), lane->first);
    } else {
      round_.erase(settled.place);
      settled.deficit = std::min(settled.deficit, quantum_bytes);
    }
  }

  Lanes lanes_;
  std::map<std::pair<EventTime, Item*>, std::string> open_;  // of all lanes; with their tenants
  std::list<std::string> round_;
  std::set<std::string> crowded_;  // tenants, each with a lane
  std::size_t size_ = 0;
};

}  // namespace deputy::logs
