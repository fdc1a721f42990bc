#include "client/patience.hpp"

#include <algorithm>
#include <utility>

namespace deputy::client {

Patience::Patience(const Clock& clock, Random& random, std::function<void(std::chrono::milliseconds)> pause,
                   Limits limits)
    : clock_(clock),
      random_(random),
      pause_(std::move(pause)),
      limits_(limits),
      until_(clock.steady_now() + limits.all_max) {}

bool Patience::wait(std::optional<std::chrono::seconds> retry_after) {
  // Compared in seconds: what a server says may be more than a count of milliseconds holds.
  auto time = limits_.each_max;
  if (!retry_after) {
    time = limits_.unsaid;
  } else if (*retry_after < std::chrono::floor<std::chrono::seconds>(limits_.each_max)) {
    time = std::max<std::chrono::milliseconds>(*retry_after, limits_.unsaid);
  }
  time = std::min(time + full_jitter(random_, time / 4), limits_.each_max);
  if (clock_.steady_now() + time > until_) return false;
  pause_(time);
  return true;
}

}  // namespace deputy::client
