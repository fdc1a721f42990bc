#include "app/broker_log_access.hpp"

#include <map>

namespace deputy::app {

Task<Result<logs::CollectingCredentials>> BrokerLogAccess::get(ConnectionId connection, Region region) {
  auto issued = co_await broker_.issue_for_logs(std::move(connection), std::move(region));
  if (!issued) co_return std::move(issued).error();
  co_return logs::CollectingCredentials{*issued.value().credentials, std::move(issued.value().account_id)};
}

Task<Result<std::vector<logs::Subscription>>> BrokerLogAccess::active() {
  co_return co_await run_on(pool_, loop_, [this] { return read(); });
}

Result<std::vector<logs::Subscription>> BrokerLogAccess::read() const {
  std::map<IntegrationName, std::optional<registry::LogSelection>> selections;
  std::vector<logs::Subscription> subscriptions;
  registry::PageRequest page{.limit = 200};
  const registry::ConnectionFilter filter{.state = registry::ConnectionState::active};
  for (;;) {
    DEPUTY_TRY(auto connections, registry_.connections(filter, page));
    for (const registry::Connection& connection : connections.items) {
      auto selection = selections.find(connection.integration);
      if (selection == selections.end()) {
        DEPUTY_TRY(auto integration, registry_.integration(connection.integration));
        selection = selections.emplace(connection.integration, std::move(integration.logs)).first;
      }
      if (!selection->second || !connection.role_arn) continue;
      subscriptions.push_back({.tenant = connection.tenant_id,
                               .connection = connection.id,
                               .account = connection.role_arn->account(),
                               .regions = selection->second->regions,
                               .groups = selection->second->groups,
                               .since = connection.created_at});
    }
    if (!connections.next_cursor) return subscriptions;
    page.after = *std::move(connections.next_cursor);
  }
}

}  // namespace deputy::app
