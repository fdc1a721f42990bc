#pragma once

#include "logs/collector.hpp"
#include "logs/sinks/sink_runner.hpp"
#include "logstore/store.hpp"

#include <memory>
#include <optional>
#include <vector>

#include "app/config.hpp"
#include "aws/logs.hpp"
#include "aws/transport.hpp"
#include "core/event_loop.hpp"
#include "core/random.hpp"

namespace deputy::app {

// What can be searched of collected logs: one process writes it, any number may read.
std::unique_ptr<logstore::Store> make_log_store(const Config::Logs& config, const Clock& clock);

// The log collector in a process: its spool, its sinks, its threads. Several processes may share a directory:
// each collects what it has leases for, and one of them feeds the sinks. On the loop's thread; references
// outlive it.
class LogCollection {
 public:
  struct Surroundings {
    EventLoop& loop;
    const Clock& clock;
    Random& random;
    aws::Logs& logs;
    aws::Transport& transport;  // for sinks
    logs::CredentialsSource& credentials;
    logs::Subscriptions& subscriptions;
  };
  // `store`: where the sink `search` writes.
  LogCollection(Surroundings around, logstore::Store& store, const Config::Logs& config);
  ~LogCollection();

  // Opens the spool and begins, in the background: a service is ready before that, and works without it. What
  // keeps it from beginning is logged, shown by `trouble`, and tried again.
  void start();
  // A connection may have become active.
  void wake();
  // The connection, or with nullopt every one, may not be used any more as it was.
  void revoked(const std::optional<ConnectionId>& connection) const;
  Task<void> stop();

  // nullptr until it has begun.
  logs::Collector* collector() const;
  logs::Spool* spool() const;
  std::vector<logs::SinkStatus> sinks() const;
  bool is_feeding() const;  // the sinks; else another process is
  // Why it has not begun.
  const std::optional<Error>& trouble() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::app
