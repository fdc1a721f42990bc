#include "scan_progress.hpp"

#include <fmt/format.h>
#include <iostream>
#include <unistd.h>

namespace deputy::cli {
namespace {

using scan::RowOutcome;

std::size_t done_of(const scan::Results& results) {
  return results.rows() - results.count(RowOutcome::none);
}

}  // namespace

ScanProgress::ScanProgress(const Clock& clock, const scan::Results& results, const scan::PacedSts& sts)
    : clock_(clock),
      results_(results),
      sts_(sts),
      is_terminal_(::isatty(STDERR_FILENO) == 1),
      done_before_(done_of(results)),
      began_(clock.steady_now()),
      last_line_(began_) {}

std::string ScanProgress::time_left(std::size_t done) const {
  const auto passed = std::chrono::duration<double>(clock_.steady_now() - began_).count();
  if (done <= done_before_ || passed < 5) return {};
  const double left =
      passed / static_cast<double>(done - done_before_) * static_cast<double>(results_.rows() - done);
  if (left < 90) return fmt::format(", about {:.0f} s left", left);
  if (left < 5400) return fmt::format(", about {:.0f} min left", left / 60);
  return fmt::format(", about {:.1f} h left", left / 3600);
}

std::string ScanProgress::line() const {
  const std::size_t done = done_of(results_);
  return fmt::format("{} of {} roles: {} passed, {} failed, {} inconclusive; {:.0f} calls/s{}", done,
                     results_.rows(), results_.count(RowOutcome::passed), results_.count(RowOutcome::failed),
                     results_.count(RowOutcome::inconclusive), sts_.counts().calls_per_second(),
                     time_left(done));
}

void ScanProgress::tick() {
  if (is_terminal_) {
    std::cerr << "\r\x1b[K" << line() << std::flush;
  } else if (clock_.steady_now() - last_line_ >= line_interval) {
    last_line_ = clock_.steady_now();
    std::cerr << line() << "\n";
  }
}

void ScanProgress::end() {
  if (is_terminal_) std::cerr << "\r\x1b[K" << line() << "\n";
}

}  // namespace deputy::cli
