#pragma once

#include <chrono>

#include "core/event_loop.hpp"
#include "core/task_group.hpp"
#include "core/work_pool.hpp"
#include "registry/registry.hpp"

namespace deputy::app {

// Removes connect sessions that have been over for long, at the start and then hourly, some at a time, so
// that no transaction is long and others come between. What could not be done is logged and done the next
// time. On one loop's thread; the removing is done on `pool`.
class SessionSweep {
 public:
  struct Settings {
    std::chrono::milliseconds interval = std::chrono::hours{1};
    std::size_t at_once = 200;
  };

  // References outlive the sweep.
  SessionSweep(EventLoop& loop, WorkPool& pool, registry::Registry& registry, Settings settings)
      : loop_(loop), pool_(pool), registry_(registry), settings_(settings) {}

  void start() { group_.spawn(run()); }
  // Waits for a transaction that is under way.
  Task<void> stop();

 private:
  Task<void> run();
  Task<void> sweep();

  EventLoop& loop_;
  WorkPool& pool_;
  registry::Registry& registry_;
  const Settings settings_;
  TaskGroup group_;
};

}  // namespace deputy::app
