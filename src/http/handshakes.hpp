#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "core/event_loop.hpp"
#include "core/work_pool.hpp"
#include "http/channel.hpp"

namespace deputy::http {

// Takes the steps of TLS handshakes off the loop: each costs up to a millisecond of the processor, which
// requests on the loop would wait for. A channel is on one thread at a time: here from `step` until
// `on_done`. Bounded. `step` on the loop's thread; the loop must outlive this.
class Handshakes {
 public:
  Handshakes(EventLoop& loop, std::size_t waiting_max);
  // Waits for the steps that are under way; the others are left out.
  ~Handshakes();
  Handshakes(const Handshakes&) = delete;
  Handshakes& operator=(const Handshakes&) = delete;

  // Takes one step, then calls `on_done` on the loop. False, and neither, when too many wait.
  bool step(std::shared_ptr<Channel> channel, std::function<void(Channel::Wait)> on_done);
  // Runs what blocks, such as reading a certificate, among the steps. False, and nothing, when too many wait.
  bool run(std::function<void()> work) { return pool_.try_post(std::move(work)); }

 private:
  EventLoop& loop_;
  std::atomic<bool> closing_{false};
  WorkPool pool_;
};

}  // namespace deputy::http
