#include "logstore/deadline.hpp"

#include <algorithm>
#include <sqlite3.h>

namespace deputy::logstore {

namespace {
// An interruption that falls between two statements is lost; the next one is not.
constexpr std::chrono::milliseconds again{20};
}  // namespace

Deadlines::Deadlines() : thread_([this] { serve(); }) {}

Deadlines::~Deadlines() {
  {
    const std::lock_guard lock{mutex_};
    closing_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

Deadlines::Watch::Watch(Deadlines& deadlines, sqlite3* database, std::chrono::steady_clock::time_point at)
    : deadlines_(deadlines), database_(database) {
  {
    const std::lock_guard lock{deadlines_.mutex_};
    deadlines_.watched_.push_back({database, at});
  }
  deadlines_.changed_.notify_one();
}

Deadlines::Watch::~Watch() {
  const std::lock_guard lock{deadlines_.mutex_};
  std::erase_if(deadlines_.watched_, [this](const Watched& one) { return one.database == database_; });
}

void Deadlines::serve() {
  std::unique_lock lock{mutex_};
  while (!closing_) {
    if (watched_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto now = std::chrono::steady_clock::now();
    auto next = std::chrono::steady_clock::time_point::max();
    for (Watched& one : watched_) {
      if (one.at <= now) {
        sqlite3_interrupt(
            one.database);  // under the lock: whoever closes the connection ended its watch before
        one.at = now + again;
      }
      next = std::min(next, one.at);
    }
    changed_.wait_until(lock, next);
  }
}

}  // namespace deputy::logstore
