#include "api/lanes.hpp"

#include <string_view>

namespace deputy::api {
namespace {

enum : std::size_t { issuing, probes, desk };

constexpr std::size_t issuing_max = 4'000;
constexpr std::size_t probes_max = 64;
constexpr std::size_t desk_max = 256;

// As in the table of routes; what only looks like it is refused by the router soon enough.
bool asks_for_credentials(std::string_view path) {
  return path.starts_with("/v1/credentials/") ||
         (path.starts_with("/v1/connections/") && path.ends_with("/credentials"));
}

}  // namespace

std::vector<http::Lane> lanes() {
  return {{"issuing", issuing_max, issuing_max / 2},
          {"probes", probes_max, probes_max},
          {"desk", desk_max, desk_max / 4}};
}

std::size_t lane_of(const http::Request& request) {
  if (asks_for_credentials(request.path)) return issuing;
  const bool watches = request.path == "/healthz" || request.path == "/readyz" || request.path == "/metrics";
  return watches ? probes : desk;
}

bool is_issuing(const http::Request& request) {
  return lane_of(request) == issuing;
}

}  // namespace deputy::api
