#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "aws/transport.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/random.hpp"
#include "core/secret.hpp"
#include "core/work_pool.hpp"
#include "registry/registry.hpp"

namespace deputy::webhooks {

struct DeliverySettings {
  std::string url;
  std::vector<SecretString> secrets;
  std::size_t in_flight_max = 8;
  std::chrono::milliseconds timeout = std::chrono::seconds{15};     // of one attempt
  std::chrono::milliseconds lease = std::chrono::seconds{60};       // longer than an attempt
  std::chrono::milliseconds retry_first = std::chrono::seconds{5};  // doubles, with jitter
  std::chrono::milliseconds retry_max = std::chrono::hours{1};
  std::chrono::milliseconds poll = std::chrono::seconds{30};  // looks for due events at least this often
};

// Sends the events that wait in the registry, until each was taken with a 2xx answer or expired. On the
// loop's thread, but `wake`.
class Delivery {
 public:
  // References outlive the delivery.
  Delivery(EventLoop& loop, const Clock& clock, Random& random, WorkPool& pool, registry::Registry& registry,
           aws::Transport& transport, DeliverySettings settings);
  ~Delivery();
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  void start();
  // There are new events. From any thread.
  void wake();
  // Waits for attempts under way; what they did not deliver comes again after its lease.
  Task<void> stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace deputy::webhooks
