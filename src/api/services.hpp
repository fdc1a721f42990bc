#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.hpp"
#include "api/query.hpp"
#include "api/router.hpp"
#include "core/work_pool.hpp"
#include "http/message.hpp"
#include "json/reader.hpp"

// What handlers are given and what they give back.
namespace deputy::api {

class CreationPace;
class Metrics;
class Turns;

// The rooms that handlers call. Lives as long as the Api.
struct Services {
  Parts parts;
  Settings settings;
  Metrics& metrics;
  CreationPace& creations;
  Turns& searches;                            // of collected logs
  const std::optional<std::string>& unready;  // why /readyz answers 503

  registry::Registry& registry() const { return parts.registry; }
  // Runs `work`, which calls the registry, where it may block.
  template <class Work>
  auto run(Work work) const {
    return run_on(parts.pool, parts.loop, std::move(work));
  }
  // The same for issuing and probes, which do not wait behind the desk's work.
  template <class Work>
  auto run_ahead(Work work) const {
    return run_on(parts.issuing_pool != nullptr ? *parts.issuing_pool : parts.pool, parts.loop,
                  std::move(work));
  }
};

// One request that passed all gates: its route is open to its key, its body and query have only known names.
struct Call {
  http::Request request;
  const Route* route = nullptr;
  std::vector<std::string> parameters;
  std::shared_ptr<const registry::Key> key;  // absent only where everyone is admitted
  bool by_user = false;  // the key stands for the user at the other end of the Unix socket
  registry::Actor actor;
  Query query;
  json::Value body;  // an object; an empty one when nothing was sent

  // The identifier in the path; `not_found` when it cannot be one, as for one that does not exist.
  template <class Id>
  Result<Id> path_id(std::size_t index = 0) const {
    auto id = Id::parse(parameters.at(index));
    if (id.has_error()) return Error{ErrorKind::not_found, "no such object"};
    return std::move(id).value();
  }
};

struct Reply {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::string location;   // of what was made
  bool replayed = false;  // by an Idempotency-Key
  std::vector<std::pair<std::string, std::string>> headers;
};

}  // namespace deputy::api
