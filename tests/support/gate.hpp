#pragma once

#include <coroutine>
#include <cstddef>
#include <utility>
#include <vector>

#include "core/event_loop.hpp"
#include "core/task.hpp"

namespace deputy {

// Holds those who wait at it until it is opened.
class Gate {
 public:
  explicit Gate(EventLoop& loop) : loop_(loop) {}
  Task<void> pass() {
    struct Awaiter {
      Gate& gate;
      bool await_ready() const noexcept { return !gate.closed_; }
      void await_suspend(std::coroutine_handle<> waiter) { gate.waiting_.push_back(waiter); }
      void await_resume() const noexcept {}
    };
    co_await Awaiter{*this};
  }
  void close() { closed_ = true; }
  void open() {
    closed_ = false;
    for (const auto waiter : std::exchange(waiting_, {})) loop_.post([waiter] { waiter.resume(); });
  }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  EventLoop& loop_;
  bool closed_ = false;
  std::vector<std::coroutine_handle<>> waiting_;
};

}  // namespace deputy
