#include "logstore/store.hpp"

#include <fmt/format.h>

#include "api/handlers.hpp"
#include "api/render.hpp"
#include "api/services.hpp"
#include "api/sight.hpp"
#include "api/turns.hpp"
#include "json/utf8.hpp"

namespace deputy::api {
namespace {

Result<std::optional<logs::EventTime>> read_time(const Query& query, std::string_view name) {
  const auto text = query.find(name);
  if (!text) return std::optional<logs::EventTime>{};
  const auto time = parse_rfc3339(*text);
  if (!time) return Error{time.error()}.with_field(std::string{name});
  return std::optional{std::chrono::floor<std::chrono::milliseconds>(time.value())};
}

Result<logstore::SearchRequest> read_request(const Query& query) {
  const auto tenant = query.find("tenant_id");
  if (!tenant)
    return Error{ErrorKind::invalid_request, "`tenant_id` must be given: logs are searched tenant by tenant"}
        .with_field("tenant_id");
  auto id = TenantId::parse(*tenant);
  if (!id) return Error{ErrorKind::not_found, "no such tenant"};
  DEPUTY_TRY(const auto page, query.page());
  DEPUTY_TRY(const auto from, read_time(query, "from"));
  DEPUTY_TRY(const auto to, read_time(query, "to"));
  if (from && to && *from >= *to)
    return Error{ErrorKind::invalid_request, "`from` must be before `to`"}.with_field("from");
  return logstore::SearchRequest{.tenant = std::move(id).value(),
                                 .query = query.find("q").value_or(""),
                                 .from = from,
                                 .to = to,
                                 .cursor = page.after,
                                 .limit = page.limit,
                                 .connections = std::nullopt};
}

// What the key may see of the tenant: all of it, or the records of the connections that its grants cover.
// `not_found` when that is nothing, as for a tenant that does not exist.
Result<void> bound_to_key(const Services& services, const registry::Key& key,
                          logstore::SearchRequest& request) {
  registry::Registry& registry = services.registry();
  const std::size_t connections_max = services.parts.search_connections_max;
  if (key.role != registry::KeyRole::workload && !key.connection_id) {
    DEPUTY_TRY(registry.tenant(request.tenant));
    return success();
  }
  std::vector<ConnectionId> connections;
  registry::PageRequest page{.limit = 200, .after = {}};
  for (;;) {
    ConnectionSearch search;
    search.filter.tenant_id = request.tenant;
    DEPUTY_TRY(const auto found, visible_connections(registry, key, std::move(search), page));
    for (const registry::Connection& one : found.items) connections.push_back(one.id);
    if (connections.size() > connections_max)
      return Error{ErrorKind::conflict,
                   fmt::format("this key may see more than {} of the tenant's connections, which is what a "
                               "search is bounded to: search with a key of an auditor or an admin, with one "
                               "of a workload whose grants cover fewer, or with one made for a connection",
                               connections_max)}
          .with_field("tenant_id");
    if (!found.next_cursor) break;
    page.after = *found.next_cursor;
  }
  if (connections.empty()) return Error{ErrorKind::not_found, "no such tenant"};
  request.connections = std::move(connections);
  return success();
}

boost::json::object render(const logstore::FoundRecord& record) {
  const auto time = [](logs::EventTime at) { return to_rfc3339_millis(Timestamp{at}); };
  boost::json::object object;
  object["timestamp"] = time(record.timestamp);
  object["ingested_at"] = time(record.ingested);
  object["connection_id"] = record.connection;
  object["account_id"] = record.account;
  object["region"] = record.region;
  object["group"] = json::valid_utf8(record.group);
  object["stream"] = json::valid_utf8(record.stream);
  object["event_id"] = json::valid_utf8(record.event_id);
  object["message"] = json::valid_utf8(record.message);
  return object;
}

std::string render(const logstore::FoundPage& page) {
  boost::json::array items;
  items.reserve(page.items.size());
  for (const logstore::FoundRecord& one : page.items) items.push_back(render(one));
  boost::json::array not_searched;
  for (const logstore::DayTrouble& one : page.not_searched)
    not_searched.push_back(boost::json::object{{"day", one.day}, {"reason", one.what}});
  boost::json::object body;
  body["items"] = std::move(items);
  body["next_cursor"] = nullptr;
  if (page.next_cursor) body["next_cursor"] = *page.next_cursor;
  body["cut_off"] = page.cut_off;
  body["not_searched"] = std::move(not_searched);
  return boost::json::serialize(body);
}

using Look = Result<logstore::FoundPage> (logstore::Store::*)(const logstore::SearchRequest&);

Task<Result<Reply>> look(const Services& services, Call call, Look what) {
  logstore::Store* const store = services.parts.log_store;
  if (store == nullptr)
    co_return Error{ErrorKind::conflict, "logs are not kept searchable here: `logs.sinks` has no `search`"};
  DEPUTY_CO_TRY(auto request, read_request(call.query));
  DEPUTY_CO_TRY(co_await services.run([&] { return bound_to_key(services, *call.key, request); }));
  // Whoever searches much waits behind itself; beyond a few that wait it is told so.
  if (!co_await services.searches.enter(call.key->id.text()))
    co_return Error{ErrorKind::rate_limited, "too many searches with this key wait for their turn"}
        .with_retry_after(std::chrono::seconds{1});
  const Turns::Leaving leaving{services.searches};
  WorkPool& pool = services.parts.search_pool == nullptr ? services.parts.pool : *services.parts.search_pool;
  auto work = [&]() -> Result<std::string> {
    DEPUTY_TRY(const auto page, (store->*what)(request));
    return render(page);
  };
  DEPUTY_CO_TRY(auto body, co_await run_on(pool, services.parts.loop, work));
  co_return Reply{.body = std::move(body)};
}

}  // namespace

Task<Result<Reply>> search_logs(const Services& services, Call call) {
  return look(services, std::move(call), &logstore::Store::search);
}
Task<Result<Reply>> follow_logs(const Services& services, Call call) {
  return look(services, std::move(call), &logstore::Store::arrived);
}

}  // namespace deputy::api
