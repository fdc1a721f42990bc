#include "api/sight.hpp"

#include <algorithm>

namespace deputy::api {
namespace {

constexpr int lookups_max = 20;  // pages read for one answer

Error not_found() {
  return Error{ErrorKind::not_found, "no such connection"};
}

// The workload of the key, where it is one's; nothing for keys that see every connection.
Result<std::optional<registry::Workload>> workload_of(registry::Registry& registry,
                                                      const registry::Key& key) {
  if (key.role != registry::KeyRole::workload) return std::optional<registry::Workload>{};
  if (!key.workload) return not_found();
  DEPUTY_TRY(auto workload, registry.workload(*key.workload));
  return std::optional{std::move(workload)};
}

bool sees(const registry::Key& key, const std::optional<registry::Workload>& workload,
          const registry::Connection& connection) {
  if (key.connection_id && *key.connection_id != connection.id) return false;
  if (!workload) return key.role != registry::KeyRole::workload;
  return std::ranges::any_of(workload->grants,
                             [&](const registry::Grant& grant) { return grant.covers(connection); });
}

}  // namespace

Result<registry::Connection> visible_connection(registry::Registry& registry, const registry::Key& key,
                                                const ConnectionId& id) {
  DEPUTY_TRY(auto connection, registry.connection(id));
  DEPUTY_TRY(const auto workload, workload_of(registry, key));
  if (!sees(key, workload, connection)) return not_found();
  return connection;
}

Result<bool> sees_integration(registry::Registry& registry, const registry::Key& key,
                              const IntegrationName& name) {
  DEPUTY_TRY(const auto workload, workload_of(registry, key));
  if (!workload) return true;
  return std::ranges::any_of(workload->grants, [&](const registry::Grant& grant) {
    return !grant.integration || *grant.integration == name;
  });
}

Result<registry::Page<registry::Connection>> visible_connections(registry::Registry& registry,
                                                                 const registry::Key& key,
                                                                 ConnectionSearch search,
                                                                 registry::PageRequest page) {
  registry::Page<registry::Connection> seen;
  if (search.reference) {
    const auto tenant = registry.tenant_by_reference(*search.reference);
    if (tenant.has_error() && tenant.error().kind != ErrorKind::not_found) return tenant.error();
    if (tenant.has_error() || (search.filter.tenant_id && *search.filter.tenant_id != tenant.value().id))
      return seen;
    search.filter.tenant_id = tenant.value().id;
  }
  DEPUTY_TRY(const auto workload, workload_of(registry, key));
  const std::size_t wanted = page.limit;
  for (int lookups = 0; lookups < lookups_max; ++lookups) {
    page.limit = wanted - seen.items.size();
    DEPUTY_TRY(auto part, registry.connections(search.filter, page));
    for (registry::Connection& connection : part.items)
      if (sees(key, workload, connection)) seen.items.push_back(std::move(connection));
    seen.next_cursor = std::move(part.next_cursor);
    if (!seen.next_cursor || seen.items.size() >= wanted) break;
    page.after = *seen.next_cursor;
  }
  return seen;
}

}  // namespace deputy::api
