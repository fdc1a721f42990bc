#pragma once

#include "support/fake_clock.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "core/event_loop.hpp"
#include "core/task_group.hpp"

namespace deputy {

// An event loop whose time is a FakeClock: a test says when time passes, and nothing sleeps.
// It knows no file descriptors: what needs them is tested with the real loop.
class ManualLoop final : public EventLoop {
 public:
  explicit ManualLoop(FakeClock& clock) : clock_(clock) {}

  void post(std::function<void()> work) override;
  TimerId call_after(std::chrono::milliseconds delay, std::function<void()> work) override;
  void cancel(TimerId timer) override;
  void watch(int descriptor, Interest interest, std::function<void(Interest)> callback) override;
  void unwatch(int descriptor) override;

  // Runs what is posted and what is due, until nothing is left at this moment.
  void run_ready();
  // Moves the clock on, running each timer at its time.
  void advance(std::chrono::milliseconds by);
  // The same with `settle` after each step, so that what other threads do for a timer is over before time
  // goes on.
  template <class Settle>
  void advance(std::chrono::milliseconds by, Settle settle) {
    const auto end = clock_.steady_now() + by;
    run_ready();
    settle();
    while (!timers_.empty() && timers_.begin()->first <= end) {
      advance_to_next_timer();
      settle();
    }
    advance_to(end);
    settle();
  }
  std::size_t timers() const { return timers_.size(); }

  // Runs the loop until the task is done, and returns its value. Never moves the clock; waits for posts from
  // other threads, ten seconds at most.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    TaskGroup group;
    group.spawn(store(std::move(task), value));
    run_until_idle(group);
    return *std::move(value);
  }
  void run(Task<void> task);
  // The same, moving time on to the next timer whenever nothing else is left to do.
  template <class T>
  T run_through_time(Task<T> task) {
    std::optional<T> value;
    TaskGroup group;
    group.spawn(store(std::move(task), value));
    while (group.running() > 0) {
      run_ready();
      if (group.running() == 0) break;
      if (timers_.empty()) {
        wait_for_post();
      } else {
        advance_to_next_timer();
      }
    }
    return *std::move(value);
  }

 private:
  template <class T>
  static Task<void> store(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
  }
  void run_until_idle(const TaskGroup& group);
  void wait_for_post();
  void advance_to_next_timer();
  void advance_to(std::chrono::steady_clock::time_point time);

  struct Timer {
    TimerId id;
    std::function<void()> work;
  };
  FakeClock& clock_;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::function<void()>> queue_;
  std::multimap<std::chrono::steady_clock::time_point, Timer> timers_;
  TimerId next_timer_ = 1;
};

}  // namespace deputy
