#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "core/task_group.hpp"
#include "core/work_pool.hpp"
#include "registry/registry.hpp"
#include "verify/verifier.hpp"

namespace deputy::verify {

struct ServiceSettings {
  Region region;
  std::size_t in_flight_max = 256;  // verifications side by side; most only wait for AWS
  std::chrono::milliseconds lease = std::chrono::minutes{10};  // longer than any run
  std::chrono::milliseconds poll = std::chrono::seconds{30};   // looks for due work at least this often
};

// Runs what is due: newly given roles, requests, the jittered schedule. `wake` makes it look at once. After
// each result it calls `changed` with the connection as it is then, so that the broker empties its cache
// before anybody hears of it.
class Service {
 public:
  using Changed = std::function<void(const registry::Connection&)>;
  Service(EventLoop& loop, const Clock& clock, WorkPool& pool, registry::Registry& registry,
          Verifier& verifier, ServiceSettings settings, Changed changed);
  ~Service();

  void start();  // recovers what a restart interrupted, then runs
  void wake();
  // How far that run is; nothing when it does not run here.
  std::optional<Progress> progress(const VerificationId& id) const;
  // Stops taking work, lets running probes end early, and waits.
  Task<void> stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::verify
