#pragma once

#include <cstddef>
#include <vector>

#include "http/admission.hpp"
#include "http/message.hpp"

namespace deputy::api {

// Requests that the listener bounds apart, so that issuing goes on whatever else is asked for, and whoever
// watches the service sees it:
// - `issuing`: for credentials. Answered from memory mostly; on a miss it waits for STS, which costs nothing.
// - `probes`: /healthz, /readyz, /metrics.
// - `desk`: all others; each may take a thread and the database for long.
// No client takes more than half of issuing, or a quarter of the desk.
std::vector<http::Lane> lanes();

// The place in `lanes` of a request that nobody has looked at yet.
std::size_t lane_of(const http::Request& request);
bool is_issuing(const http::Request& request);

}  // namespace deputy::api
