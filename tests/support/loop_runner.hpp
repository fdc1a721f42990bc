#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "core/task_group.hpp"
#include "http/asio_loop.hpp"

namespace deputy {

// A real loop, driven by the test on its own thread: for what needs sockets. Prefer ManualLoop where nothing
// real is involved.
class RealLoop {
 public:
  http::AsioLoop& loop() { return loop_; }

  // Runs the loop until the task is done, and returns its value. A task that takes over 30 s ends the test
  // program.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    run(store(std::move(task), value));
    return *std::move(value);
  }
  void run(Task<void> task) {
    TaskGroup group;
    const auto timer = loop_.call_after(std::chrono::seconds{30}, [] {
      std::fputs("RealLoop: the task was not done after 30 s\n", stderr);
      std::abort();
    });
    loop_.post([&] { group.spawn(then_stop(std::move(task), loop_)); });
    loop_.run();
    loop_.cancel(timer);
  }
  // Runs the loop for so long, for what happens by itself.
  void run_for(std::chrono::milliseconds duration) {
    loop_.call_after(duration, [this] { loop_.stop(); });
    loop_.run();
  }

 private:
  friend class LoopThread;
  template <class T>
  static Task<void> store(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
  }
  static Task<void> then_stop(Task<void> task, http::AsioLoop& loop) {
    co_await std::move(task);
    loop.stop();
  }

  http::AsioLoop loop_;
};

// A real loop on a thread of its own, so that the test can be a blocking client of what runs there. Things
// that belong to the loop (a server, a transport) are made, used and destroyed inside `call` or `run`.
class LoopThread {
 public:
  LoopThread() : thread_([this] { loop_.run(); }) {}
  ~LoopThread() {
    loop_.stop();
    thread_.join();
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  http::AsioLoop& loop() { return loop_; }

  // Runs `work` on the loop and waits for it, 30 s at most.
  void call(const std::function<void()>& work) {
    Done done;
    loop_.post([&] {
      work();
      done.set();
    });
    done.wait();
  }
  // Runs the task on the loop and waits for its value, 30 s at most.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    run(RealLoop::store(std::move(task), value));
    return *std::move(value);
  }
  void run(Task<void> task) {
    Done done;
    loop_.post([&] { tasks_.spawn(then_set(std::move(task), loop_, done)); });
    done.wait();
  }

 private:
  class Done {
   public:
    // Under the lock to the end: the waiter destroys this as soon as it can.
    void set() {
      const std::lock_guard lock{mutex_};
      done_ = true;
      changed_.notify_one();
    }
    void wait() {
      std::unique_lock lock{mutex_};
      if (changed_.wait_for(lock, std::chrono::seconds{30}, [this] { return done_; })) return;
      std::fputs("LoopThread: the loop did not answer within 30 s\n", stderr);
      std::abort();
    }

   private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool done_ = false;
  };
  // The signal comes in a later turn, when the task's frame is gone.
  static Task<void> then_set(Task<void> task, http::AsioLoop& loop, Done& done) {
    co_await std::move(task);
    loop.post([&done] { done.set(); });
  }

  http::AsioLoop loop_;
  TaskGroup tasks_;
  std::thread thread_;
};

}  // namespace deputy
