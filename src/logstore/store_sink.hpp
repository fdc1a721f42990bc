#pragma once

#include "logs/sink.hpp"
#include "logstore/store.hpp"

#include <string>

#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/work_pool.hpp"

namespace deputy::logstore {

// The searchable store as a sink: exactly once, since the store has each record once. Writes on `pool`, which
// must not be the one that searches run on. All outlive the sink.
class StoreSink final : public logs::Sink {
 public:
  StoreSink(std::string name, EventLoop& loop, WorkPool& pool, const Clock& clock, Store& store);

  const std::string& name() const override { return name_; }
  Task<Result<void>> open(std::string beside) override;
  Task<Result<std::string>> deliver(std::shared_ptr<const logs::SpoolBatch> batch) override;

 private:
  const std::string name_;
  EventLoop& loop_;
  WorkPool& pool_;
  const Clock& clock_;
  Store& store_;
  std::chrono::steady_clock::time_point maintained_;
};

}  // namespace deputy::logstore
