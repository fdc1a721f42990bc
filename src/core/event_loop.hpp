#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <stop_token>

#include "core/task.hpp"

namespace deputy {

// One thread's loop of events: posted functions, timers, file descriptors. The seam between the rooms and
// Boost.Asio, which implements it in src/http (http/asio_loop.hpp); tests drive ManualLoop
// (tests/support/manual_loop.hpp) with a clock of their own. `post` may be called from any thread; everything
// else only from the loop's own.
class EventLoop {
 public:
  using TimerId = std::uint64_t;  // never 0
  struct Interest {
    bool read = false;
    bool write = false;
  };

  virtual ~EventLoop() = default;

  // Runs `work` later, on the loop's thread, never inside this call.
  virtual void post(std::function<void()> work) = 0;
  virtual TimerId call_after(std::chrono::milliseconds delay, std::function<void()> work) = 0;
  // Without effect when the timer has run.
  virtual void cancel(TimerId timer) = 0;
  // Calls `ready` each time the descriptor is ready for what is asked, until `unwatch`. Watching again
  // replaces interest and callback. The descriptor stays the caller's and must be unwatched before it is
  // closed.
  virtual void watch(int descriptor, Interest interest, std::function<void(Interest ready)> callback) = 0;
  virtual void unwatch(int descriptor) = 0;
};

// co_await resume_on(loop): the coroutine goes on in a later turn of the loop, on its thread.
inline auto resume_on(EventLoop& loop) {
  struct Awaiter {
    EventLoop& loop;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const {
      loop.post([waiting] { waiting.resume(); });
    }
    void await_resume() const noexcept {}
  };
  return Awaiter{loop};
}

// Waits. False when `stop` was asked for first (at once, if it already was). Call on the loop's thread;
// `stop` may come from any.
Task<bool> sleep_for(EventLoop& loop, std::chrono::milliseconds delay, std::stop_token stop);

}  // namespace deputy
