#pragma once

#include "registry/registry.hpp"

// What a key may see of connections. Blocking: use from the pool.
namespace deputy::api {

// The connection, or `not_found`, the same for one that does not exist and one that this key may not know of:
// a workload sees what a grant of its covers, a narrowed key its one connection.
Result<registry::Connection> visible_connection(registry::Registry& registry, const registry::Key& key,
                                                const ConnectionId& id);

// Whether the key may read what the integration asks for: a workload, what a grant of its names.
Result<bool> sees_integration(registry::Registry& registry, const registry::Key& key,
                              const IntegrationName& name);

struct ConnectionSearch {
  registry::ConnectionFilter filter;
  std::optional<std::string> reference;  // of the tenant
};

// A page of what the key may see. It may be shorter than its limit though more pages follow: a workload's
// grants are looked up over a bounded number of connections at a time.
Result<registry::Page<registry::Connection>> visible_connections(registry::Registry& registry,
                                                                 const registry::Key& key,
                                                                 ConnectionSearch search,
                                                                 registry::PageRequest page);

}  // namespace deputy::api
