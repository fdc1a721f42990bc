#pragma once

#include "logs/sink.hpp"

#include <string>

#include "core/event_loop.hpp"
#include "core/work_pool.hpp"

namespace deputy::logs {

// NDJSON on a descriptor that is open already: standard output. At least once: what was written before a
// crash is written again. A reader that is slow holds up this sink alone. The descriptor stays the caller's.
class StreamSink final : public Sink {
 public:
  StreamSink(std::string name, EventLoop& loop, WorkPool& pool, int descriptor)
      : name_(std::move(name)), loop_(loop), pool_(pool), descriptor_(descriptor) {}

  const std::string& name() const override { return name_; }
  Task<Result<void>> open(std::string beside) override;
  Task<Result<std::string>> deliver(std::shared_ptr<const SpoolBatch> batch) override;

 private:
  const std::string name_;
  EventLoop& loop_;
  WorkPool& pool_;
  const int descriptor_;
  std::string lines_;
};

}  // namespace deputy::logs
