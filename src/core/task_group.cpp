#include "core/task_group.hpp"

#include <utility>

namespace deputy {

// A coroutine that owns itself; its frame ends when it does.
struct TaskGroup::Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

TaskGroup::~TaskGroup() {
  DEPUTY_ASSERT(running_ == 0);
}

TaskGroup::Detached TaskGroup::run(Task<void> task) {
  co_await std::move(task);
  // The task's frame goes before the group hears of it: what it holds may refer to what the joiner destroys.
  {
    // NOLINTNEXTLINE(bugprone-use-after-move): awaiting borrows the frame, it does not take it
    const Task<void> ended = std::move(task);
  }
  finished();
}

void TaskGroup::spawn(Task<void> task) {
  ++running_;
  run(std::move(task));
}

void TaskGroup::finished() {
  if (--running_ > 0) return;
  for (const auto waiting : std::exchange(joining_, {})) waiting.resume();
}

Task<void> TaskGroup::join() {
  struct Awaiter {
    TaskGroup& group;
    bool await_ready() const noexcept { return group.running_ == 0; }
    void await_suspend(std::coroutine_handle<> waiting) const { group.joining_.push_back(waiting); }
    void await_resume() const noexcept {}
  };
  while (running_ > 0) co_await Awaiter{*this};
}

}  // namespace deputy
