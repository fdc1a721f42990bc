#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "http/admission.hpp"

namespace deputy::http {

// What a listener has done since it began, for metrics. Written on the loop's thread.
struct Tally {
  std::uint64_t accepted_by_tcp = 0;  // through TLS, where that is on
  std::uint64_t accepted_by_unix = 0;
  std::uint64_t connections_refused = 0;  // beyond connections_max
  std::uint64_t idle_evicted = 0;         // idle ones closed to make room
  std::uint64_t idle_closed = 0;          // past idle_timeout
  std::uint64_t too_slow = 0;             // header or body past its time
  std::uint64_t not_reading = 0;          // cut: the response was not taken in time
  std::uint64_t accept_failures = 0;      // for want of descriptors or memory
  std::uint64_t handshakes_done = 0;
  std::uint64_t handshakes_resumed = 0;  // of these
  std::uint64_t handshakes_failed = 0;
  std::uint64_t handshakes_refused = 0;  // too many at once
  std::uint64_t certificate_reloads = 0;
  std::uint64_t certificate_reload_failures = 0;
};

struct ServerCounts {
  Tally tally;
  std::size_t connections = 0;
  std::size_t connections_max = 0;
  std::vector<Admission::Counts> lanes;
  std::int64_t certificate_expires = 0;  // Unix time; 0 without TLS
};

}  // namespace deputy::http
