#pragma once

#include "scan/fleet_file.hpp"
#include "scan/results.hpp"

#include <functional>
#include <optional>
#include <stop_token>

#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/task_group.hpp"
#include "verify/verifier.hpp"

namespace deputy::scan {

// Verifies every role of a fleet that has no settled result yet, so many side by side. Memory is bounded by
// those in flight and the results. On one loop's thread. References outlive it.
class Scanner {
 public:
  using Verify = std::function<Task<registry::VerificationReport>(verify::Target, std::stop_token)>;
  // Hears of each result when it is recorded; an Error ends the scan.
  using Heard = std::function<Result<void>(std::size_t row, const RowResult&, const Finding&)>;
  struct Settings {
    Region region;
    SessionName session_name;
    std::size_t in_flight_max = 64;
  };

  Scanner(const Clock& clock, FleetReader& fleet, Results& results, Settings settings, Verify verify,
          Heard heard)
      : clock_(clock),
        fleet_(fleet),
        results_(results),
        settings_(std::move(settings)),
        verify_(std::move(verify)),
        heard_(std::move(heard)) {}

  // To the fleet's end, or until `stop` is asked for: what is then not found out counts as not verified. An
  // error of the file or of `heard` ends it early.
  Task<Result<void>> run(std::stop_source stop);

 private:
  Task<void> work(std::stop_source stop);
  std::optional<FleetRow> next_row();
  void fail(Error error, std::stop_source& stop);

  const Clock& clock_;
  FleetReader& fleet_;
  Results& results_;
  Settings settings_;
  Verify verify_;
  Heard heard_;
  bool ended_ = false;
  std::optional<Error> failure_;
};

}  // namespace deputy::scan
