#include "http/admission.hpp"

#include <algorithm>
#include <limits>

#include "core/assert.hpp"

namespace deputy::http {
namespace {

constexpr int status_too_many = 429;
constexpr int status_unavailable = 503;

std::uint64_t mixed(std::uint64_t value) {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdULL;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53ULL;
  return value ^ (value >> 33);
}

}  // namespace

Admission::Admission(std::vector<Lane> lanes, std::function<std::size_t(const Request&)> lane_of,
                     std::uint64_t secret)
    : lane_of_(std::move(lane_of)), secret_(secret) {
  DEPUTY_ASSERT(!lanes.empty());
  lanes_.resize(lanes.size());
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    lanes_[i].lane = std::move(lanes[i]);
    auto& of_client = lanes_[i].lane.in_flight_per_client_max;
    of_client = std::min<std::size_t>(of_client, std::numeric_limits<std::uint16_t>::max());
  }
}

std::uint32_t Admission::client_of(const Request& request) const {
  std::uint64_t hash = 0;
  if (const auto authorization = request.headers.find("Authorization")) {
    hash = std::hash<std::string_view>{}(*authorization);
  } else if (request.peer_user_id) {
    hash = *request.peer_user_id + 1ULL;
  } else {
    hash = std::hash<std::string_view>{}(request.remote_address);
  }
  return static_cast<std::uint32_t>(mixed(hash ^ secret_) % clients);
}

Admission::Verdict Admission::admit(const Request& request) {
  const Place place{.lane = static_cast<std::uint32_t>(lane_of_ ? lane_of_(request) : 0),
                    .client = client_of(request)};
  State& state = lanes_.at(place.lane);
  if (state.in_flight >= state.lane.in_flight_max) {
    ++state.refused_full;
    return {std::nullopt, status_unavailable};
  }
  auto& of_client = state.by_client[place.client];
  if (of_client >= state.lane.in_flight_per_client_max) {
    ++state.refused_client;
    return {std::nullopt, status_too_many};
  }
  ++state.in_flight;
  ++of_client;
  return {place, 0};
}

void Admission::leave(Place place) {
  State& state = lanes_.at(place.lane);
  DEPUTY_ASSERT(state.in_flight > 0 && state.by_client[place.client] > 0);
  --state.in_flight;
  --state.by_client[place.client];
}

std::vector<Admission::Counts> Admission::counts() const {
  std::vector<Counts> counts;
  counts.reserve(lanes_.size());
  for (const State& state : lanes_)
    counts.push_back({state.lane.name, state.in_flight, state.lane.in_flight_max, state.refused_full,
                      state.refused_client});
  return counts;
}

}  // namespace deputy::http
