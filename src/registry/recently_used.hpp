#pragma once

#include <cstddef>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/assert.hpp"

namespace deputy::registry {

// Values by a text, at most so many: the one that was least recently used goes first. On one thread.
template <class Value>
class RecentlyUsed {
 public:
  explicit RecentlyUsed(std::size_t count_max) : count_max_(count_max) { DEPUTY_ASSERT(count_max > 0); }

  // nullptr when there is none. Counts as a use. Valid until the next change.
  Value* find(std::string_view text) {
    const auto found = by_text_.find(text);
    if (found == by_text_.end()) return nullptr;
    newest_first_.splice(newest_first_.begin(), newest_first_, found->second);
    return &found->second->second;
  }
  void put(std::string text, Value value) {
    erase(text);
    if (newest_first_.size() >= count_max_) {
      by_text_.erase(newest_first_.back().first);
      newest_first_.pop_back();
    }
    newest_first_.emplace_front(std::move(text), std::move(value));
    by_text_.emplace(newest_first_.front().first, newest_first_.begin());
  }
  void erase(std::string_view text) {
    const auto found = by_text_.find(text);
    if (found == by_text_.end()) return;
    const auto place = found->second;
    by_text_.erase(found);
    newest_first_.erase(place);
  }
  void clear() {
    by_text_.clear();
    newest_first_.clear();
  }
  std::size_t size() const { return newest_first_.size(); }

 private:
  using Places = std::list<std::pair<std::string, Value>>;

  const std::size_t count_max_;
  Places newest_first_;
  std::unordered_map<std::string_view, typename Places::iterator> by_text_;  // views into the list
};

}  // namespace deputy::registry
