#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "broker/broker.hpp"

namespace deputy::api {

// What /metrics shows, in Prometheus's text format. Labels are of a bounded number: the route's pattern, the
// method, the status; never a tenant, a connection or a key. Use on one loop's thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // `route` is a pattern from the table, or `unknown`.
  void count_request(std::string_view method, std::string_view route, int status,
                     std::chrono::steady_clock::duration took);
  // The text, with the broker's counts as they are now.
  std::string text(const broker::Broker::Counts& broker);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::api
