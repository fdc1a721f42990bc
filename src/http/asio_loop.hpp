#pragma once

#include <memory>

#include "core/event_loop.hpp"

namespace boost::asio {
class io_context;
}

namespace deputy::http {

// The event loop of a running process: Boost.Asio behind core's interface. One thread calls `run`.
class AsioLoop final : public EventLoop {
 public:
  AsioLoop();
  ~AsioLoop() override;

  // Runs until `stop`. Call from one thread only.
  void run();
  // From any thread.
  void stop();
  // Calls `on_signal` on the loop for SIGINT and SIGTERM, each time, instead of ending the process. Once per
  // process.
  void on_stop_signal(std::function<void(int signal)> on_signal);

  void post(std::function<void()> work) override;
  TimerId call_after(std::chrono::milliseconds delay, std::function<void()> work) override;
  void cancel(TimerId timer) override;
  void watch(int descriptor, Interest interest, std::function<void(Interest ready)> callback) override;
  void unwatch(int descriptor) override;

  // For the listener, which is in this room.
  boost::asio::io_context& context();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::http
