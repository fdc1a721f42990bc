#include "scan/scanner.hpp"

#include <utility>

namespace deputy::scan {

Task<Result<void>> Scanner::run(std::stop_source stop) {
  TaskGroup group;
  for (std::size_t i = 0; i < settings_.in_flight_max && !ended_; ++i) group.spawn(work(stop));
  co_await group.join();
  if (failure_) co_return *std::move(failure_);
  co_return success();
}

Task<void> Scanner::work(std::stop_source stop) {
  while (!stop.stop_requested()) {
    auto row = next_row();
    if (!row) {
      if (failure_) stop.request_stop();
      co_return;
    }
    auto report = co_await verify_(verify::Target{.role_arn = std::move(row->role_arn),
                                                  .external_id = row->external_id,
                                                  .region = settings_.region,
                                                  .session_name = settings_.session_name,
                                                  .next_external_id = std::nullopt,
                                                  .previous_external_id = std::nullopt},
                                   stop.get_token());
    auto [result, finding] = Results::summarise(report, row->external_id);
    // Interrupted, not unclear: the next scan begins it anew.
    if (stop.stop_requested() && result.outcome == RowOutcome::inconclusive) co_return;
    result.verified_at = clock_.now();
    results_.record(row->number, result, finding);
    if (auto heard = heard_(row->number, result, finding); heard.has_error())
      fail(std::move(heard).error(), stop);
  }
}

std::optional<FleetRow> Scanner::next_row() {
  while (!ended_) {
    auto row = fleet_.next();
    if (row.has_error()) {
      ended_ = true;
      failure_ =
          Error{ErrorKind::conflict, "the fleet's file was changed during the scan: " + row.error().message};
    } else if (!row.value() || row.value()->number >= results_.rows()) {
      ended_ = true;
    } else if (!results_.is_settled(row.value()->number)) {
      return std::move(row).value();
    }
  }
  return std::nullopt;
}

void Scanner::fail(Error error, std::stop_source& stop) {
  if (!failure_) failure_ = std::move(error);
  ended_ = true;
  stop.request_stop();
}

}  // namespace deputy::scan
