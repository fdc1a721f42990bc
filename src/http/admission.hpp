#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace deputy::http {

// A kind of requests with a bound of its own, so that one kind cannot take the place of another.
struct Lane {
  std::string name;
  std::size_t in_flight_max = 0;             // requests with the handler; more: 503 with Retry-After
  std::size_t in_flight_per_client_max = 0;  // of one client; more: 429 with Retry-After
};

// Decides whether a request may go to the handler now. A client is who carries one Authorization, or without
// it the peer's user or address: a claim, which nobody checked yet; whoever makes up many is bounded where
// they are checked. Clients are counted in a fixed table under a secret hash: two may share a
// count, and nobody can choose with whom. Takes no memory. On the loop's thread.
class Admission {
 public:
  // `lane_of` gives a place in `lanes`; without it all requests are of the first.
  Admission(std::vector<Lane> lanes, std::function<std::size_t(const Request&)> lane_of,
            std::uint64_t secret);

  struct Place {
    std::uint32_t lane = 0;
    std::uint32_t client = 0;
  };
  struct Verdict {
    std::optional<Place> place;
    int refusal = 0;  // the status, when there is no place
  };
  Verdict admit(const Request& request);
  void leave(Place place);

  struct Counts {
    std::string_view lane;
    std::size_t in_flight = 0;
    std::size_t in_flight_max = 0;
    std::uint64_t refused_full = 0;    // 503
    std::uint64_t refused_client = 0;  // 429
  };
  std::vector<Counts> counts() const;

 private:
  static constexpr std::size_t clients = 4096;
  struct State {
    Lane lane;
    std::size_t in_flight = 0;
    std::uint64_t refused_full = 0;
    std::uint64_t refused_client = 0;
    std::array<std::uint16_t, clients> by_client{};
  };
  std::uint32_t client_of(const Request& request) const;

  std::vector<State> lanes_;
  std::function<std::size_t(const Request&)> lane_of_;
  std::uint64_t secret_;
};

}  // namespace deputy::http
