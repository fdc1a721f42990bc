#pragma once

#include <string>
#include <vector>

#include "api/router.hpp"
#include "core/result.hpp"

namespace deputy::api {

// May this key use this route at all, and for the connection that the path names? `forbidden` for another
// role's routes, and for a key for one connection alone where the route is not for such keys; `not_found` for
// any other connection than its own, whether it exists or not. What a workload's grants cover is decided
// where they are read: sight.hpp, and the broker.
Result<void> authorize(const Route& route, const registry::Key& key,
                       const std::vector<std::string>& parameters);

}  // namespace deputy::api
