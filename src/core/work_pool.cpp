#include "core/work_pool.hpp"

#include <utility>

namespace deputy {

WorkPool::WorkPool(Options options) : queue_max_(options.queue_max) {
  for (std::size_t i = 0; i < options.threads; ++i) threads_.emplace_back([this] { serve(); });
}

WorkPool::~WorkPool() {
  {
    const std::lock_guard lock{mutex_};
    closing_ = true;
  }
  filled_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool WorkPool::try_post(std::function<void()> work) {
  {
    const std::lock_guard lock{mutex_};
    if (closing_ || queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(work));
  }
  filled_.notify_one();
  return true;
}

void WorkPool::serve() {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock lock{mutex_};
      filled_.wait(lock, [this] { return closing_ || !queue_.empty(); });
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace deputy
