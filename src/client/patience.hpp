#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "core/clock.hpp"
#include "core/random.hpp"

namespace deputy::client {

// Waiting for a server that says "later" (429, 503). No SDK asks its credential_process again: what is not
// waited for here fails the tool that wanted credentials. For one request; not thread-safe.
class Patience {
 public:
  struct Limits {
    std::chrono::milliseconds unsaid{1'000};  // where the server does not say how long; never less than that
    std::chrono::milliseconds each_max{5'000};
    std::chrono::milliseconds all_max{10'000};  // from the beginning, with what the answers took
  };
  // References outlive it. `pause` waits so long: the system's sleep, or a test's.
  Patience(const Clock& clock, Random& random, std::function<void(std::chrono::milliseconds)> pause,
           Limits limits);
  Patience(const Clock& clock, Random& random, std::function<void(std::chrono::milliseconds)> pause)
      : Patience(clock, random, std::move(pause), Limits{}) {}

  // Waits as the server wants it, and up to a quarter longer, so that all who were sent away do not come back
  // together. False: that would be longer than all patience, and nothing was waited.
  bool wait(std::optional<std::chrono::seconds> retry_after);

 private:
  const Clock& clock_;
  Random& random_;
  std::function<void(std::chrono::milliseconds)> pause_;
  Limits limits_;
  std::chrono::steady_clock::time_point until_;
};

}  // namespace deputy::client
