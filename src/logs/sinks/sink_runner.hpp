#pragma once

#include "logs/sink.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/random.hpp"
#include "core/task_group.hpp"
#include "core/work_pool.hpp"

namespace deputy::logs {

// How a sink fares. Counts are since the start of the process.
struct SinkStatus {
  std::string name;
  std::uint64_t sequence = 0;  // of the spool, up to which it has everything
  std::uint64_t records = 0;   // delivered
  std::uint64_t message_bytes = 0;
  std::uint64_t failures = 0;
  std::uint64_t refused = 0;  // records that it left out for good
  std::optional<Timestamp> last_delivery;
  std::optional<Error> trouble;  // why it stands still; empty while it does not
  std::optional<Timestamp> trouble_since;
};

// Feeds sinks from the spool, each by itself: attach, open, and then read, deliver, advance. After a failure
// it waits (full jitter, half a second to a minute), opens the sink where its cursor stands, and delivers
// again. Of the processes that share a spool one feeds; another waits until that one is gone. On the loop's
// thread; what blocks runs on `pool`. References outlive it.
class SinkRunner {
 public:
  struct Parts {
    EventLoop& loop;
    const Clock& clock;
    Random& random;
    WorkPool& pool;  // for the spool
    Spool& spool;
  };
  static constexpr std::size_t batch_bytes_max = std::size_t{16} * 1024 * 1024;

  SinkRunner(Parts parts, std::vector<std::unique_ptr<Sink>> sinks);
  ~SinkRunner();

  // Once no other process feeds the sinks: forgets the cursors of those that are not configured any more, and
  // begins.
  void start();
  // Lets deliveries that go on end, and no more begin.
  Task<void> stop();

  std::vector<SinkStatus> status() const;
  bool is_feeding() const { return feeding_; }
  // Told when a sink comes to a stand, or does for another reason.
  std::function<void(const std::string& sink, const Error& error)> on_trouble;

 private:
  struct Fed;
  Task<void> feed_when_alone();
  Task<void> forget_others();
  Task<void> feed(Fed& fed);
  Task<Result<void>> begin(Fed& fed);
  Task<Result<bool>> deliver_next(Fed& fed);
  void note_trouble(Fed& fed, std::optional<Error> trouble);
  Task<void> wait(Fed& fed, std::chrono::milliseconds delay);
  void wake_all();

  Parts parts_;
  std::vector<std::unique_ptr<Fed>> fed_;
  TaskGroup tasks_;
  bool stopping_ = false, feeding_ = false;
};

}  // namespace deputy::logs
