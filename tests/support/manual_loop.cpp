#include "support/manual_loop.hpp"

#include "core/assert.hpp"

namespace deputy {

void ManualLoop::post(std::function<void()> work) {
  {
    const std::lock_guard lock{mutex_};
    queue_.push_back(std::move(work));
  }
  posted_.notify_one();
}

EventLoop::TimerId ManualLoop::call_after(std::chrono::milliseconds delay, std::function<void()> work) {
  const TimerId id = next_timer_++;
  timers_.emplace(clock_.steady_now() + delay, Timer{id, std::move(work)});
  return id;
}

void ManualLoop::cancel(TimerId timer) {
  std::erase_if(timers_, [timer](const auto& entry) { return entry.second.id == timer; });
}

void ManualLoop::watch(int, Interest, std::function<void(Interest)>) {
  DEPUTY_ASSERT(false);
}
void ManualLoop::unwatch(int) {}

void ManualLoop::run_ready() {
  for (;;) {
    std::function<void()> work;
    {
      const std::lock_guard lock{mutex_};
      if (!queue_.empty()) {
        work = std::move(queue_.front());
        queue_.pop_front();
      }
    }
    if (!work) {
      const auto due = timers_.begin();
      if (due == timers_.end() || due->first > clock_.steady_now()) return;
      work = std::move(due->second.work);
      timers_.erase(due);
    }
    work();
  }
}

void ManualLoop::advance(std::chrono::milliseconds by) {
  const auto end = clock_.steady_now() + by;
  run_ready();
  while (!timers_.empty() && timers_.begin()->first <= end) advance_to_next_timer();
  advance_to(end);
}

void ManualLoop::advance_to_next_timer() {
  advance_to(timers_.begin()->first);
}

void ManualLoop::advance_to(std::chrono::steady_clock::time_point time) {
  const auto wait = time - clock_.steady_now();
  if (wait.count() > 0) clock_.advance(std::chrono::ceil<std::chrono::microseconds>(wait));
  run_ready();
}

void ManualLoop::wait_for_post() {
  std::unique_lock lock{mutex_};
  DEPUTY_ASSERT(posted_.wait_for(lock, std::chrono::seconds{10}, [this] { return !queue_.empty(); }));
}

void ManualLoop::run_until_idle(const TaskGroup& group) {
  run_ready();
  while (group.running() > 0) {
    wait_for_post();
    run_ready();
  }
}

void ManualLoop::run(Task<void> task) {
  TaskGroup group;
  group.spawn(std::move(task));
  run_until_idle(group);
}

}  // namespace deputy
