#include "api/router.hpp"

#include "core/assert.hpp"

namespace deputy::api {
namespace {

constexpr std::string_view head = "HEAD";
constexpr std::string_view get = "GET";

std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);  // the slash
  const std::size_t end = path.find('/');
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(segment.size());
  return segment;
}

// The values of the pattern's parameters; nothing when the path is another.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string> parameters;
  while (!pattern.empty() && path.starts_with('/')) {
    const std::string_view wanted = next_segment(pattern);
    const std::string_view given = next_segment(path);
    if (wanted.starts_with('{')) {
      if (given.empty()) return std::nullopt;
      parameters.emplace_back(given);
    } else if (wanted != given) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return parameters;
}

}  // namespace

bool Access::admits(registry::KeyRole role) const {
  switch (role) {
    case registry::KeyRole::admin:
      return admin;
    case registry::KeyRole::onboarding:
      return onboarding;
    case registry::KeyRole::workload:
      return workload;
    case registry::KeyRole::auditor:
      return auditor;
  }
  DEPUTY_ASSERT(false);
}

bool Route::takes(std::string_view parameter) const {
  return pattern.find("{" + std::string{parameter} + "}") != std::string_view::npos;
}

Match find_route(std::span<const Route> table, std::string_view method, std::string_view path) {
  Match found;
  for (const Route& route : table) {
    auto parameters = match(route.pattern, path);
    if (!parameters) continue;
    // Of credentials there is no head: a GET of them issues some.
    const bool has_head = route.method == get && !route.container_protocol;
    if (route.method == method || (method == head && has_head)) {
      found.route = &route;
      found.parameters = *std::move(parameters);
      return found;
    }
    found.allow += (found.allow.empty() ? "" : ", ") + std::string{route.method};
    if (has_head) found.allow += ", HEAD";
  }
  return found;
}

}  // namespace deputy::api
