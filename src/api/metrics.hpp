#pragma once

#include "logs/counts.hpp"
#include "logs/sinks/sink_runner.hpp"
#include "logstore/store.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.hpp"
#include "http/counts.hpp"
#include "registry/survey.hpp"

namespace deputy::api {

// What /metrics shows, in Prometheus's text format; docs/metrics.md tells what each is. Labels are of a
// bounded number: the route's pattern, the method, the status, codes and states of closed lists; never a
// tenant, a connection, a workload, a Region or a key. Use on one loop's thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // `route` is a pattern from the table, or `unknown`.
  void count_request(std::string_view method, std::string_view route, int status,
                     std::chrono::steady_clock::duration took);

  // How things stand elsewhere at the moment.
  struct Standing {
    const broker::Broker::Counts& broker;
    const registry::VerificationCounts& verifications;
    const registry::WebhookCounts& webhooks;
    const registry::Survey& survey;
    Timestamp now;
    std::string_view version;
    bool ready = true;
    const http::ServerCounts* listener = nullptr;  // null where there is none
    const logs::CollectorCounts* logs = nullptr;   // null while no logs are collected
    std::vector<logs::SinkStatus> log_sinks = {};
    std::uint64_t log_sequence = 0;  // of the last page in the spool
    logstore::StoreCounts log_store = {};
  };
  std::string text(const Standing& standing) const;

  // The survey counts rows: it is made at most so often, however often /metrics is asked for.
  static constexpr std::chrono::seconds survey_every{30};
  bool is_survey_due(std::chrono::steady_clock::time_point now);  // true once in that time
  void set_survey(registry::Survey survey);
  const registry::Survey& survey() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::api
