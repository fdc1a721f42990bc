#pragma once

#include <cstdint>

namespace deputy::policy {

// A bound on the analyzer's work, counted and not timed, so that a verdict never depends on the machine. One
// unit is about a nanosecond of a current core. Not for several threads at once.
class WorkBudget {
 public:
  explicit WorkBudget(std::uint64_t units) : left_(units) {}

  // False, from then on for ever, when there is not as much left: whoever gets it gives up.
  bool spend(std::uint64_t units) {
    if (exhausted_ || units > left_) {
      exhausted_ = true;
      return false;
    }
    left_ -= units;
    return true;
  }
  bool exhausted() const { return exhausted_; }
  std::uint64_t left() const { return exhausted_ ? 0 : left_; }

 private:
  std::uint64_t left_;
  bool exhausted_ = false;
};

}  // namespace deputy::policy
