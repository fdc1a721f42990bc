#pragma once

#include "scan/fleet_file.hpp"
#include "scan/results.hpp"

#include <iosfwd>
#include <string>

#include "core/clock.hpp"
#include "core/result.hpp"

namespace deputy::scan {

enum class ReportForm { text, json, csv };

// What a report tells beside the results.
struct ScanFacts {
  std::string file;  // as it was given
  Timestamp started_at;
  Timestamp finished_at;
  std::uint64_t assume_role_calls = 0;  // of this run, not of those that it went on from
  std::uint64_t throttles = 0;
  double calls_per_second = 0;
  bool interrupted = false;
};

// 0 all passed; 1 any failed; 3 none failed, but some are inconclusive or not verified.
int exit_status(const Results& results);

// Reads the fleet once more for its names. Text: for a person: counts, the worst first, what to do, some of
// the roles of each trouble. JSON: one document with every role. CSV: one line a role. What is from outside
// is made safe for each (safe_text.hpp). An error when the file is no longer what it was.
Result<void> write_report(std::ostream& out, ReportForm form, FleetReader& fleet, const Survey& survey,
                          const Results& results, const ScanFacts& facts);

}  // namespace deputy::scan
