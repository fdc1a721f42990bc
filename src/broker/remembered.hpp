#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/assert.hpp"

namespace deputy::broker {

// Values that are remembered for a while under a text, at most so many: the oldest goes first. On one thread.
template <class Value>
class Remembered {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Remembered(std::size_t count_max, std::chrono::milliseconds kept) : count_max_(count_max), kept_(kept) {
    DEPUTY_ASSERT(count_max > 0);
  }

  // nullptr when there is none, or not any more. Valid until the next change.
  const Value* find(std::string_view text, Time now) const {
    const auto found = by_text_.find(text);
    return found == by_text_.end() || found->second->until <= now ? nullptr : &found->second->value;
  }
  void add(std::string text, std::string owner, Value value, Time now) {
    if (const auto found = by_text_.find(text); found != by_text_.end()) erase(found->second);
    while (!oldest_first_.empty() && oldest_first_.front().until <= now) erase(oldest_first_.begin());
    if (oldest_first_.size() >= count_max_) erase(oldest_first_.begin());
    oldest_first_.push_back({std::move(text), std::move(owner), std::move(value), now + kept_});
    by_text_.emplace(oldest_first_.back().text, std::prev(oldest_first_.end()));
  }
  void forget_owner(std::string_view owner) {
    for (auto each = oldest_first_.begin(); each != oldest_first_.end();) {
      const auto here = each++;
      if (here->owner == owner) erase(here);
    }
  }
  std::size_t size() const { return oldest_first_.size(); }

 private:
  struct Memory {
    std::string text;
    std::string owner;
    Value value;
    Time until;
  };
  using Memories = std::list<Memory>;
  void erase(typename Memories::iterator memory) {
    by_text_.erase(memory->text);
    oldest_first_.erase(memory);
  }

  const std::size_t count_max_;
  const std::chrono::milliseconds kept_;
  Memories oldest_first_;
  std::unordered_map<std::string_view, typename Memories::iterator> by_text_;  // views into the list
};

}  // namespace deputy::broker
