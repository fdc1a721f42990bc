#pragma once

#include <coroutine>
#include <cstddef>
#include <functional>
#include <stop_token>
#include <vector>

#include "core/task.hpp"

namespace deputy {

// The owner of tasks that run beside each other: nothing is detached without one. `join` waits for all;
// `request_stop` asks them to end (they watch `stop_token()`, as sleep_for does). A task that throws ends the
// process: expected failures are values. Use on one loop's thread. REQUIRES at destruction: no task is
// running (join was awaited).
class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  // Starts the task at once, on this thread.
  void spawn(Task<void> task);
  std::size_t running() const { return running_; }

  std::stop_token stop_token() const { return stop_.get_token(); }
  void request_stop() { stop_.request_stop(); }

  // Completes when no task is running. Several may wait.
  Task<void> join();

 private:
  struct Detached;
  Detached run(Task<void> task);
  void finished();

  std::size_t running_ = 0;
  std::stop_source stop_;
  std::vector<std::coroutine_handle<>> joining_;
};

}  // namespace deputy
