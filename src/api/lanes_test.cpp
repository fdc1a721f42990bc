#include "api/lanes.hpp"

#include <gtest/gtest.h>

#include "api/router.hpp"

namespace deputy::api {
namespace {

std::string lane_at(std::string path) {
  http::Request request;
  request.path = std::move(path);
  return lanes().at(lane_of(request)).name;
}

TEST(Lanes, EveryRouteIsInTheLaneOfItsKind) {
  for (const Route& route : routes()) {
    std::string path{route.pattern};
    if (const auto brace = path.find('{'); brace != std::string::npos)
      path.replace(brace, path.find('}') - brace + 1, "x");
    const bool issues = route.pattern.find("credentials") != std::string_view::npos;
    const bool watches =
        route.pattern == "/healthz" || route.pattern == "/readyz" || route.pattern == "/metrics";
    EXPECT_EQ(lane_at(path), issues ? "issuing" : watches ? "probes" : "desk") << route.pattern;
  }
}

TEST(Lanes, WhatIsUnknownIsAtTheDesk) {
  EXPECT_EQ(lane_at("/"), "desk");
  EXPECT_EQ(lane_at("/v1/connections/con_x/credentials/more"), "desk");
  EXPECT_EQ(lane_at("/healthz/more"), "desk");
}

TEST(Lanes, NoClientTakesAllOfALaneThatAnotherNeeds) {
  for (const auto& lane : lanes()) {
    if (lane.name == "probes") continue;
    EXPECT_LE(lane.in_flight_per_client_max * 2, lane.in_flight_max) << lane.name;
  }
}

}  // namespace
}  // namespace deputy::api
