#pragma once

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include "core/event_loop.hpp"
#include "core/result.hpp"

namespace deputy {

// Threads for what blocks (the database, a child process), so that no event loop ever does. The queue is
// bounded: a full one refuses. Thread-safe. The destructor finishes what is queued.
class WorkPool {
 public:
  struct Options {
    std::size_t threads = 1;
    std::size_t queue_max = 4096;  // waiting pieces of work
  };
  explicit WorkPool(Options options);
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // False when the queue is full: nothing was queued.
  [[nodiscard]] bool try_post(std::function<void()> work);

 private:
  void serve();

  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<std::function<void()>> queue_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

// Runs `work`, a function that returns a Result, on the pool and resumes on `loop`; `overloaded` when the
// pool's queue is full. The loop must outlive the work: a TaskGroup that is joined sees to it.
template <class Work>
Task<std::invoke_result_t<Work>> run_on(WorkPool& pool, EventLoop& loop, Work work) {
  using Outcome = std::invoke_result_t<Work>;
  struct Awaiter {
    WorkPool& pool;
    EventLoop& loop;
    Work& work;
    std::optional<Outcome> outcome;

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) {
      return pool.try_post([this, waiting] {
        outcome.emplace(work());
        loop.post([waiting] { waiting.resume(); });
      });
    }
    Outcome await_resume() {
      if (outcome) return *std::move(outcome);
      return Error{ErrorKind::overloaded, "too much is waiting for the database; try again shortly"}
          .with_retry_after(std::chrono::seconds{1});
    }
  };
  Awaiter awaiter{pool, loop, work, std::nullopt};
  co_return co_await awaiter;
}

}  // namespace deputy
