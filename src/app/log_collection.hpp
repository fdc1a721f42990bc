#pragma once

#include "logs/collector.hpp"
#include "logstore/store.hpp"

#include <memory>
#include <optional>

#include "app/config.hpp"
#include "aws/logs.hpp"
#include "broker/broker.hpp"
#include "core/event_loop.hpp"
#include "core/task_group.hpp"
#include "core/work_pool.hpp"
#include "registry/registry.hpp"

namespace deputy::app {

// The log collector inside a service: its spool, its sinks, what can be searched, its threads, whom to
// collect from (the registry's active connections whose integration asks for logs) and whose credentials to
// use (the broker's, on record as `logs`). On the loop's thread; references outlive it.
class LogCollection {
 public:
  LogCollection(EventLoop& loop, const Clock& clock, Random& random, aws::Logs& logs,
                aws::Transport& transport, broker::Broker& broker, registry::Registry& registry,
                WorkPool& pool, const Config& config);
  ~LogCollection();

  // Opens the spool and begins, in the background: a service is ready before that, and works without it. What
  // keeps it from beginning is logged, shown by `trouble`, and tried again.
  void start();
  // A connection may have become active.
  void wake();
  Task<void> stop();

  // nullptr until it has begun.
  logs::Collector* collector() const;
  logs::Spool* spool() const;
  // What can be searched, and the thread to do it on.
  logstore::Store& store() const;
  WorkPool& search_pool() const;
  // Why it has not begun.
  const std::optional<Error>& trouble() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::app
