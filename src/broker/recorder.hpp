#pragma once

#include <coroutine>
#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "broker/tally.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/task_group.hpp"
#include "core/work_pool.hpp"
#include "registry/registry.hpp"

namespace deputy::broker {

// Issuances on their way to the database. Those that come while a transaction is being written gather and
// share the next one; when none is under way the next begins in the same turn of the loop, so that who is
// alone waits for nobody. Bounded in number per transaction and in all. On one loop's thread; references
// outlive it.
class Recorder {
 public:
  static constexpr std::size_t records_of_one_write_max = 256;
  static constexpr std::size_t waiting_max = 10'000;

  Recorder(EventLoop& loop, const Clock& clock, WorkPool& pool, registry::Registry& registry, Tally& tally);

  // Durable, with its journal entry, when this completes with success; see Registry::record_issuances.
  // `overloaded` when too many wait. The record stays where it is until then.
  Task<Result<void>> record(const registry::IssuanceRecord& record);

  std::size_t waiting() const { return waiting_.size(); }
  Task<void> stop();

 private:
  struct Waiting;

  Task<void> write_all();
  Task<void> write(std::vector<Waiting*> batch);

  EventLoop& loop_;
  const Clock& clock_;
  WorkPool& pool_;
  registry::Registry& registry_;
  Tally& tally_;
  std::deque<Waiting*> waiting_;
  bool writing_ = false;
  TaskGroup group_;
};

}  // namespace deputy::broker
