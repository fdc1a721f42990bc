#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/task.hpp"
#include "registry/model.hpp"

namespace deputy::api {

struct Services;
struct Call;
struct Reply;

// A handler reads a call and answers it; it is thin: bodies.hpp reads, the registry acts, render.hpp writes.
// `services` outlives the task.
using RouteHandler = Task<Result<Reply>> (*)(const Services& services, Call call);

// Who may use a route. `everyone` needs no key.
struct Access {
  bool everyone = false;
  bool admin = false;
  bool onboarding = false;
  bool workload = false;
  bool auditor = false;

  bool admits(registry::KeyRole role) const;
};

enum class BodyRule { none, optional, required };

struct Route {
  std::string_view method;
  std::string_view pattern;  // `/v1/tenants/{tenant}`
  Access access;
  RouteHandler handler;
  std::span<const std::string_view> query = {};  // known keys
  BodyRule body = BodyRule::none;
  std::span<const std::string_view> fields = {};  // the body's known members
  // Places in the body (dotted paths of members) whose inner names are not Deputy's words: policy documents
  // and tag maps. See external_id_guard.hpp.
  std::span<const std::string_view> opaque = {};
  std::string_view produces = "application/json";  // empty: depends on the request
  bool container_protocol = false;                 // errors are {"code", "message"}
  bool narrowed_keys = false;                      // keys for one connection alone may use it

  bool takes(std::string_view parameter) const;  // whether `{parameter}` is in the pattern
};

// All routes of the API: the one table, which openapi.json is held against.
std::span<const Route> routes();

struct Match {
  const Route* route = nullptr;         // nullptr: no route has this path, or none with this method
  std::vector<std::string> parameters;  // in the order of the pattern
  std::string allow;                    // methods that the path has, for 405; empty when the path is unknown
};

// Finds the route. HEAD is answered like GET, but where that issues credentials.
Match find_route(std::span<const Route> table, std::string_view method, std::string_view path);

}  // namespace deputy::api
