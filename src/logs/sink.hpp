#pragma once

#include "logs/spool.hpp"

#include <cstdint>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "core/task.hpp"

namespace deputy::logs {

// Where collected records go. Each sink follows the spool with a cursor of its own (SinkCursor): one that is
// down stays behind, and neither loses anything nor holds up another, until the spool is full.
//
// Whoever runs a sink attaches it to the spool, opens it with what it had stored beside its cursor, and then
// repeats: read after the cursor, deliver, advance the cursor to the batch's last page with what `deliver`
// returned. A crash between the two delivers the same batch again: a sink is exactly as good as what it does
// with that. One that keeps its own place (a file's length) puts it `beside` and cuts back to it in `open`.
//
// Used on one loop's thread; what blocks goes to a pool of the sink's own choosing.
class Sink {
 public:
  virtual ~Sink() = default;

  virtual const std::string& name() const = 0;  // of the cursor: stable over restarts
  // Before the first delivery, and after a failed one. `beside` is empty for a new cursor.
  virtual Task<Result<void>> open(std::string beside) = 0;
  // What to store beside a new cursor before the first delivery, once opened: a process that is killed in the
  // middle of that delivery finds by it what to cut away. Empty for one that keeps no place.
  virtual std::string place() const { return {}; }
  // All pages of the batch, in order, durably where the sink promises that. What it returns is stored beside
  // the cursor.
  virtual Task<Result<std::string>> deliver(std::shared_ptr<const SpoolBatch> batch) = 0;
  // Records that were refused for good and left out, since the start of the process.
  virtual std::uint64_t refused() const { return 0; }
  // The process ends: a delivery that waits for better times fails soon instead.
  virtual void request_stop() {}
};

}  // namespace deputy::logs
