#pragma once

#include <functional>
#include <memory>

#include "core/event_loop.hpp"

namespace boost::asio {
class io_context;
}

namespace deputy::http {

// The event loop of a running process: Boost.Asio behind core's interface. One thread calls `run`; `post` and
// `stop` may come from any thread, the rest from the loop's own (or before `run`). Must outlive all that uses
// it, the server too. What is still queued at destruction is destroyed without running.
class AsioLoop final : public EventLoop {
 public:
  AsioLoop();
  ~AsioLoop() override;
  AsioLoop(const AsioLoop&) = delete;
  AsioLoop& operator=(const AsioLoop&) = delete;

  // Runs until `stop`. A `stop` that came earlier ends it at once. May be called again after it returned.
  void run();
  void stop();
  // Calls `on_signal` on the loop for SIGINT and SIGTERM, each time, instead of ending the process. Once per
  // process.
  void on_stop_signal(std::function<void(int signal)> on_signal);
  // The same for SIGHUP, by which a service is told to read its files again.
  void on_reload_signal(std::function<void()> on_signal);

  void post(std::function<void()> work) override;
  TimerId call_after(std::chrono::milliseconds delay, std::function<void()> work) override;
  void cancel(TimerId timer) override;
  // Level-triggered: calls again as long as the descriptor is ready. A call may be spurious after the
  // interest changed, and the descriptor may be made non-blocking. A hang-up or an error shows as ready. The
  // callback may watch and unwatch, its own descriptor too.
  void watch(int descriptor, Interest interest, std::function<void(Interest ready)> callback) override;
  void unwatch(int descriptor) override;

  // For the listener, which is in this room.
  boost::asio::io_context& context();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::http
