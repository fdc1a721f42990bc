#pragma once

#include "logs/spool.hpp"

#include <coroutine>
#include <deque>
#include <functional>
#include <optional>

#include "core/event_loop.hpp"
#include "core/task_group.hpp"

namespace deputy::logs {

// Where blocking work runs, and how one waits for it: the seam by which a simulation runs without threads.
// `overloaded` when there is no room: nothing was run then.
class Blocking {
 public:
  virtual ~Blocking() = default;
  virtual Task<Result<void>> run(std::function<void()> work) = 0;
};

// Brings commits that are made at the same time to the spool together: they share its syncs. On one loop's
// thread.
class Committer {
 public:
  Committer(EventLoop& loop, Spool& spool, Blocking& blocking);

  // Completes when it is durable, or is known not to be.
  Task<Result<void>> commit(SourceCommit commit);
  Task<void> stop();

 private:
  struct Waiting {
    SourceCommit commit;
    std::optional<Result<void>> outcome;
    std::coroutine_handle<> handle;
  };
  Task<void> write();

  EventLoop& loop_;
  Spool& spool_;
  Blocking& blocking_;
  std::deque<Waiting*> queue_;
  bool writing_ = false;
  TaskGroup group_;
};

}  // namespace deputy::logs
