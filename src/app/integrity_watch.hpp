#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/task_group.hpp"
#include "core/work_pool.hpp"
#include "registry/registry.hpp"
#include "registry/store.hpp"

namespace deputy::app {

// Reads the whole database and journal at the start and then daily, beside everything else: a single row that
// was put back to an older authentic state shows in no other way. Each time it also holds the journal against
// the one before. On a finding it calls `found`, puts it on record as far as that is possible, and ends: what
// has to be done then is for people. A check that could not be made is no finding, is logged, and is made
// again soon. On one loop's thread; `pool` has a thread to spare for the reading, which may take minutes.
class IntegrityWatch {
 public:
  struct Settings {
    std::chrono::milliseconds interval = std::chrono::hours{24};
    std::chrono::milliseconds retry = std::chrono::minutes{5};  // after a check that could not be made
  };
  using Found = std::function<void(const Error& finding)>;

  // References outlive the watch.
  IntegrityWatch(EventLoop& loop, const Clock& clock, WorkPool& pool, registry::Store& store,
                 registry::Registry& registry, Settings settings, Found found);

  void start();
  // Waits for a check that is under way.
  Task<void> stop();

 private:
  Task<void> watch();
  Task<void> report(Error finding);

  EventLoop& loop_;
  const Clock& clock_;
  WorkPool& pool_;
  registry::Store& store_;
  registry::Registry& registry_;
  const Settings settings_;
  const Found found_;
  std::optional<journal::Checkpoint> last_;
  TaskGroup group_;
};

}  // namespace deputy::app
