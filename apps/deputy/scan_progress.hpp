#pragma once

#include "scan/paced_sts.hpp"
#include "scan/results.hpp"

#include <chrono>
#include <string>

#include "core/clock.hpp"

namespace deputy::cli {

// How far a scan is, on standard error: on a terminal one line that is redrawn, else a line every so often.
// Nothing of the fleet's content is shown.
class ScanProgress {
 public:
  static constexpr std::chrono::seconds line_interval{15};

  // References outlive it.
  ScanProgress(const Clock& clock, const scan::Results& results, const scan::PacedSts& sts);

  void tick();
  void end();  // leaves the terminal's line as it is

 private:
  std::string line() const;
  std::string time_left(std::size_t done) const;

  const Clock& clock_;
  const scan::Results& results_;
  const scan::PacedSts& sts_;
  const bool is_terminal_;
  const std::size_t done_before_;
  const std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point last_line_;
};

}  // namespace deputy::cli
