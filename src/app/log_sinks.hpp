#pragma once

#include "logs/sinks/sink_runner.hpp"
#include "logstore/store.hpp"

#include <memory>
#include <vector>

#include "app/log_sink_spec.hpp"
#include "aws/transport.hpp"
#include "core/work_pool.hpp"

namespace deputy::app {

// The sinks of the configuration, each with a thread of its own: one that is slow holds up no other. On the
// loop's thread; references outlive it.
class LogSinks {
 public:
  struct Surroundings {
    EventLoop& loop;
    const Clock& clock;
    Random& random;
    aws::Transport& transport;
    logstore::Store& store;
  };
  LogSinks(Surroundings surroundings, std::vector<LogSinkSpec> specs);
  ~LogSinks();

  void start(logs::Spool& spool);
  // Lets deliveries end. The spool may go after that.
  Task<void> stop();

  std::vector<logs::SinkStatus> status() const;
  bool is_feeding() const { return runner_ && runner_->is_feeding(); }

 private:
  std::unique_ptr<logs::Sink> make(const LogSinkSpec& spec);

  Surroundings around_;
  std::vector<LogSinkSpec> specs_;
  WorkPool spool_pool_{{.threads = 1}};
  std::vector<std::unique_ptr<WorkPool>> pools_;
  std::unique_ptr<logs::SinkRunner> runner_;
};

}  // namespace deputy::app
