#pragma once

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <poll.h>
#include <vector>

#include "core/assert.hpp"
#include "core/event_loop.hpp"
#include "core/task_group.hpp"

namespace deputy {

// A real loop over poll(2), for tests that have file descriptors. `post` from other threads is seen within
// ten milliseconds.
class PollLoop final : public EventLoop {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  void post(std::function<void()> work) override {
    const std::lock_guard lock{mutex_};
    queue_.push_back(std::move(work));
  }
  TimerId call_after(std::chrono::milliseconds delay, std::function<void()> work) override {
    timers_.emplace(std::chrono::steady_clock::now() + delay, std::pair{next_timer_, std::move(work)});
    return next_timer_++;
  }
  void cancel(TimerId timer) override {
    std::erase_if(timers_, [timer](const auto& entry) { return entry.second.first == timer; });
  }
  void watch(int descriptor, Interest interest, std::function<void(Interest)> callback) override {
    watched_[descriptor] = {interest, std::move(callback)};
  }
  void unwatch(int descriptor) override { watched_.erase(descriptor); }

  std::size_t watched() const { return watched_.size(); }
  std::size_t timers() const { return timers_.size(); }

  // Runs the loop until the task is done; half a minute at most.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    TaskGroup group;
    group.spawn(store(std::move(task), value));
    run_until([&group] { return group.running() == 0; });
    return *std::move(value);
  }
  template <class Done>
  void run_until(Done done) {
    const Instant deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!done()) {
      DEPUTY_ASSERT(std::chrono::steady_clock::now() < deadline);
      turn();
    }
  }

  void turn() {
    run_posted();
    run_due();
    std::vector<pollfd> descriptors;
    for (const auto& [descriptor, watch] : watched_) {
      const int events = (watch.interest.read ? POLLIN : 0) | (watch.interest.write ? POLLOUT : 0);
      descriptors.push_back({.fd = descriptor, .events = static_cast<short>(events), .revents = 0});
    }
    const int ready = poll(descriptors.data(), descriptors.size(), wait_ms());
    DEPUTY_ASSERT(ready >= 0 || errno == EINTR);
    for (const pollfd& polled : descriptors) {
      const auto found = watched_.find(polled.fd);
      if (polled.revents == 0 || found == watched_.end()) continue;
      const bool broken = (polled.revents & (POLLERR | POLLHUP)) != 0;
      const auto callback = found->second.callback;  // it may unwatch itself
      callback({.read = broken || (polled.revents & POLLIN) != 0,
                .write = broken || (polled.revents & POLLOUT) != 0});
    }
  }

 private:
  struct Watch {
    Interest interest;
    std::function<void(Interest)> callback;
  };
  template <class T>
  static Task<void> store(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
  }
  void run_posted() {
    std::deque<std::function<void()>> ready;
    {
      const std::lock_guard lock{mutex_};
      ready.swap(queue_);
    }
    for (const auto& work : ready) work();
  }
  void run_due() {
    while (!timers_.empty() && timers_.begin()->first <= std::chrono::steady_clock::now()) {
      const auto work = std::move(timers_.begin()->second.second);
      timers_.erase(timers_.begin());
      work();
    }
  }
  int wait_ms() {
    const std::lock_guard lock{mutex_};
    if (!queue_.empty()) return 0;
    if (timers_.empty()) return 10;
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first -
                                                                   std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(wait.count(), 0, 10));
  }

  std::mutex mutex_;
  std::deque<std::function<void()>> queue_;
  std::multimap<Instant, std::pair<TimerId, std::function<void()>>> timers_;
  std::map<int, Watch> watched_;
  TimerId next_timer_ = 1;
};

}  // namespace deputy
