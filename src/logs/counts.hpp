#pragma once

#include "logs/source.hpp"

#include <chrono>
#include <cstdint>
#include <map>

namespace deputy::logs {

// What the collector counts, and how it stands at the moment.
struct CollectorCounts {
  std::uint64_t sources = 0;
  std::map<SourceStatus, std::uint64_t> by_status;
  std::uint64_t events = 0, message_bytes = 0;  // since the start of this process
  std::uint64_t pages = 0, empty_pages = 0;
  std::uint64_t duplicates = 0;  // events read again, and dropped
  std::uint64_t rescans = 0, rescan_events = 0;
  std::uint64_t throttled = 0, failed = 0, leases_lost = 0;
  std::uint64_t calls_under_way = 0;
  std::uint64_t leases = 0;
  std::chrono::milliseconds lag_max{0};
  std::uint64_t spool_bytes = 0, spool_bytes_max = 0;
};

}  // namespace deputy::logs
