#include "logs/collector.hpp"
#include "logs/sinks/sink_runner.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ranges>
#include <utility>

#include "api/handlers.hpp"
#include "api/render.hpp"
#include "api/services.hpp"

// How collecting logs stands: what an operator watches.
namespace deputy::api {
namespace {

namespace json = boost::json;
using logs::EventTime;

json::value time_or_null(const std::optional<EventTime>& time) {
  if (!time) return nullptr;
  return json::value(to_rfc3339_millis(*time));
}

json::value render(const std::optional<logs::SourceError>& error) {
  if (!error) return nullptr;
  return json::object{
      {"code", error->code}, {"message", error->message}, {"at", to_rfc3339_millis(error->at)}};
}

json::object render(const logs::SourceView& view) {
  const logs::Source& source = view.source;
  const logs::SourceProgress& progress = source.progress;
  return {{"tenant_id", source.origin.tenant.text()},
          {"connection_id", source.origin.connection.text()},
          {"account_id", source.origin.account.text()},
          {"region", source.origin.region.text()},
          {"log_group", source.origin.group},
          {"status", logs::to_text(progress.status)},
          {"collected_until", to_rfc3339_millis(progress.high_water)},
          {"lag_seconds", std::chrono::floor<std::chrono::seconds>(view.lag).count()},
          {"poll_seconds", std::chrono::floor<std::chrono::seconds>(view.poll).count()},
          {"last_success", time_or_null(progress.last_success)},
          {"last_error", render(progress.last_error)},
          {"events", progress.events},
          {"message_bytes", progress.message_bytes},
          {"polls", progress.polls},
          {"rescans", progress.rescans},
          {"rescan_events", progress.rescan_events},
          {"recreations", progress.recreations}};
}

json::object render(const logs::TenantView& view) {
  return {{"tenant_id", view.tenant},
          {"sources", view.sources},
          {"events", view.events},
          {"message_bytes", view.message_bytes},
          {"lag_seconds", std::chrono::floor<std::chrono::seconds>(view.lag_max).count()}};
}

json::object render(const logs::DiscoveryView& view) {
  json::array denied;
  for (const std::string& group : view.denied_groups) denied.push_back(json::string{group});
  return {{"tenant_id", view.tenant.text()},
          {"connection_id", view.connection.text()},
          {"region", view.region.text()},
          {"held", view.held},
          {"sources", view.sources},
          {"last_success", view.last_success ? json::value(to_rfc3339_millis(*view.last_success)) : nullptr},
          {"last_error", render(view.last_error)},
          {"denied", view.denied},
          {"denied_groups", std::move(denied)}};
}

// How far both lists of the status were given: `TENANT/CONNECTION/REGION`, the last of each. They go on side
// by side; in place of one that has ended there is `-`.
struct StatusPlace {
  std::optional<std::string> tenant = std::string{};  // none: the list has ended
  std::optional<std::pair<std::string, std::string>> connection = std::pair<std::string, std::string>{};
};
constexpr std::string_view ended = "-";

std::pair<std::string, std::string> split(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return {text, ""};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

Result<StatusPlace> read_status_place(const std::string& cursor) {
  if (cursor.empty()) return StatusPlace{};
  StatusPlace place;
  const auto [tenant, rest] = split(cursor);
  place.tenant = tenant;
  place.connection = split(rest);
  if (tenant == ended) place.tenant.reset();
  if (rest == ended) place.connection.reset();
  if ((place.tenant && !TenantId::parse(*place.tenant)) ||
      (place.connection &&
       (!ConnectionId::parse(place.connection->first) || !Region::parse(place.connection->second))))
    return Error{ErrorKind::invalid_request, "the cursor is not one of this list's"}.with_field("cursor");
  return place;
}

json::value cursor_of(const StatusPlace& place) {
  if (!place.tenant && !place.connection) return nullptr;
  std::string cursor = place.tenant.value_or(std::string{ended}) + "/";
  cursor += place.connection ? place.connection->first + "/" + place.connection->second : std::string{ended};
  return json::value(cursor);
}

// A page of each list, and `place` moved behind it.
json::array page_of_tenants(const logs::Collector& collector, StatusPlace& place, std::size_t limit) {
  json::array page;
  if (!place.tenant) return page;
  const auto found = collector.tenants(*std::exchange(place.tenant, std::nullopt), limit + 1);
  for (const logs::TenantView& each : found | std::views::take(limit)) page.push_back(render(each));
  if (found.size() > limit) place.tenant = found[limit - 1].tenant;
  return page;
}
json::array page_of_connections(const logs::Collector& collector, StatusPlace& place, std::size_t limit) {
  json::array page;
  if (!place.connection) return page;
  const auto found = collector.discoveries(*std::exchange(place.connection, std::nullopt), limit + 1);
  for (const logs::DiscoveryView& each : found | std::views::take(limit)) page.push_back(render(each));
  if (found.size() > limit)
    place.connection.emplace(found[limit - 1].connection.text(), found[limit - 1].region.text());
  return page;
}

Error not_collecting() {
  return Error{ErrorKind::conflict,
               "this process collects no logs, or has not begun yet: `logs.collect` says whether it does"};
}

std::vector<logs::SinkStatus> sink_statuses(const Services& services) {
  return services.parts.log_sinks ? services.parts.log_sinks() : std::vector<logs::SinkStatus>{};
}

json::object render(const logs::SinkLag& lag, const std::vector<logs::SinkStatus>& statuses) {
  json::object sink{{"sink", lag.sink},
                    {"bytes_behind", lag.bytes_behind},
                    {"last_delivery", nullptr},
                    {"failures", 0},
                    {"refused", 0},
                    {"trouble", nullptr}};
  const auto status = std::ranges::find(statuses, lag.sink, &logs::SinkStatus::name);
  if (status == statuses.end()) return sink;
  if (status->last_delivery) sink["last_delivery"] = to_rfc3339_millis(*status->last_delivery);
  sink["failures"] = status->failures;
  sink["refused"] = status->refused;
  if (status->trouble && status->trouble_since)
    sink["trouble"] = json::object{{"code", code_of(status->trouble->kind)},
                                   {"message", status->trouble->message},
                                   {"at", to_rfc3339_millis(*status->trouble_since)}};
  return sink;
}

}  // namespace

Task<Result<Reply>> list_log_sources(const Services& services, Call call) {
  logs::Collector* const collector = services.parts.log_collector ? services.parts.log_collector() : nullptr;
  if (collector == nullptr) co_return not_collecting();
  DEPUTY_CO_TRY(const auto wanted, call.query.page());
  std::optional<TenantId> tenant;
  std::optional<ConnectionId> connection;
  if (const auto text = call.query.find("tenant_id")) {
    auto parsed = TenantId::parse(*text);
    if (!parsed) co_return std::move(parsed.error()).with_field("tenant_id");
    tenant = std::move(parsed).value();
  }
  if (const auto text = call.query.find("connection_id")) {
    auto parsed = ConnectionId::parse(*text);
    if (!parsed) co_return std::move(parsed.error()).with_field("connection_id");
    connection = std::move(parsed).value();
  }
  DEPUTY_CO_TRY(const auto found, collector->sources(tenant, connection, wanted.after, wanted.limit));
  json::array items;
  for (const logs::SourceView& view : found.items) items.push_back(render(view));
  json::object page{{"items", std::move(items)}, {"next_cursor", nullptr}};
  if (!found.next.empty()) page["next_cursor"] = found.next;
  co_return Reply{.body = json::serialize(page)};
}

// Reads again what AWS has of a log group, and says which of it was collected.
Task<Result<Reply>> audit_log_group(const Services& services, Call call) {
  logs::Collector* const collector = services.parts.log_collector ? services.parts.log_collector() : nullptr;
  if (collector == nullptr) co_return not_collecting();
  const auto text = [&call](std::string_view name) -> Result<std::string> {
    auto value = call.query.find(name);
    if (!value || value->empty())
      return Error{ErrorKind::invalid_request, "`" + std::string{name} + "` is missing"}.with_field(
          std::string{name});
    return *std::move(value);
  };
  const auto time = [&](std::string_view name) -> Result<EventTime> {
    DEPUTY_TRY(const auto value, text(name));
    auto parsed = parse_rfc3339(value);
    if (!parsed) return std::move(parsed.error()).with_field(std::string{name});
    return std::chrono::floor<std::chrono::milliseconds>(parsed.value());
  };
  DEPUTY_CO_TRY(const auto connection_text, text("connection_id"));
  auto connection = ConnectionId::parse(connection_text);
  if (!connection) co_return std::move(connection.error()).with_field("connection_id");
  DEPUTY_CO_TRY(const auto region_text, text("region"));
  auto region = Region::parse(region_text);
  if (!region) co_return std::move(region.error()).with_field("region");
  DEPUTY_CO_TRY(auto group, text("log_group"));
  DEPUTY_CO_TRY(const auto from, time("from"));
  DEPUTY_CO_TRY(const auto to, time("to"));
  DEPUTY_CO_TRY(const auto report,
                co_await collector->audit(std::move(connection).value(), std::move(region).value(),
                                          std::move(group), from, to));
  json::array minutes, missing;
  for (const auto& minute : report.minutes)
    minutes.push_back(
        {{"minute", to_rfc3339(minute.begin)}, {"found", minute.found}, {"collected", minute.collected}});
  for (const std::string& id : report.missing) missing.push_back(json::string{id});
  const json::object body{{"found", report.found},
                          {"collected", report.collected},
                          {"missing", std::move(missing)},
                          {"minutes", std::move(minutes)}};
  co_return Reply{.body = json::serialize(body)};
}

Task<Result<Reply>> get_log_status(const Services& services, Call call) {
  logs::Collector* const collector = services.parts.log_collector ? services.parts.log_collector() : nullptr;
  if (collector == nullptr) co_return not_collecting();
  DEPUTY_CO_TRY(const auto wanted, call.query.page());
  DEPUTY_CO_TRY(auto place, read_status_place(wanted.after));
  const logs::CollectorCounts counts = collector->counts();
  json::array tenants = page_of_tenants(*collector, place, wanted.limit);
  json::array connections = page_of_connections(*collector, place, wanted.limit);
  json::object statuses;
  for (const auto& [status, count] : counts.by_status) statuses[logs::to_text(status)] = count;
  json::array sinks;
  if (logs::Spool* const spool = services.parts.log_spool ? services.parts.log_spool() : nullptr) {
    DEPUTY_CO_TRY(const auto lags, co_await services.run([spool] { return spool->sinks(); }));
    const std::vector<logs::SinkStatus> sink_states = sink_statuses(services);
    for (const logs::SinkLag& lag : lags) sinks.push_back(render(lag, sink_states));
  }
  const json::object status{{"sources", std::move(statuses)},
                            {"lag_seconds", std::chrono::floor<std::chrono::seconds>(counts.lag_max).count()},
                            {"spool", {{"bytes", counts.spool_bytes}, {"bytes_max", counts.spool_bytes_max}}},
                            {"sinks", std::move(sinks)},
                            {"tenants", std::move(tenants)},
                            {"connections", std::move(connections)},
                            {"next_cursor", cursor_of(place)}};
  co_return Reply{.body = json::serialize(status)};
}

}  // namespace deputy::api
