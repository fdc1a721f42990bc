#include "app/remote_log_access.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <utility>

#include "aws/sigv4.hpp"
#include "broker/log_policy.hpp"

namespace deputy::app {
namespace {

namespace json = boost::json;

Error not_understood(std::string_view what) {
  return {ErrorKind::upstream_unavailable,
          "the server's answer was not understood: is it a Deputy, and of this version?", std::string{what}};
}

std::string text_at(const json::value& object, std::string_view name) {
  const json::value* const value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

std::vector<std::string> texts_at(const json::value& object, std::string_view name) {
  std::vector<std::string> texts;
  const json::value* const list = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  if (list == nullptr || !list->is_array()) return texts;
  for (const json::value& each : list->get_array())
    if (each.is_string()) texts.emplace_back(each.get_string());
  return texts;
}

// Names and identifiers of the server are parsed before they are part of a path: they need no escaping then.
Result<logs::Subscription> read_connection(const json::value& object) {
  DEPUTY_TRY(auto id, ConnectionId::parse(text_at(object, "id")));
  DEPUTY_TRY(auto tenant, TenantId::parse(text_at(object, "tenant_id")));
  DEPUTY_TRY(auto account, AccountId::parse(text_at(object, "account_id")));
  DEPUTY_TRY(const auto since, parse_rfc3339(text_at(object, "created_at")));
  return logs::Subscription{.tenant = std::move(tenant),
                            .connection = std::move(id),
                            .account = std::move(account),
                            .regions = {},
                            .groups = {},
                            .since = since};
}

}  // namespace

RemoteLogAccess::RemoteLogAccess(EventLoop& loop, const Clock& clock, ApiClient api)
    : loop_(loop), clock_(clock), api_(std::move(api)) {}

Task<Result<boost::json::value>> RemoteLogAccess::ask(std::string path) {
  DEPUTY_CO_TRY(auto answer, co_await api_.call("GET", path));
  if (!answer.ok())
    co_return Error{ErrorKind::upstream_unavailable,
                    fmt::format("the server refused {}: {} {}", path, answer.status, answer.member("code")),
                    answer.member("detail")};
  if (!answer.body.is_object()) co_return not_understood(path);
  co_return std::move(answer.body);
}

Task<Result<RemoteLogAccess::Connections>> RemoteLogAccess::look() {
  Connections found;
  std::string cursor;
  int pages = 0;
  do {
    if (++pages > list_pages_max) co_return not_understood("its list of connections does not end");
    DEPUTY_CO_TRY(const auto page,
                  co_await ask("/v1/connections?state=active&limit=200" +
                               (cursor.empty() ? "" : "&cursor=" + aws::uri_encode(cursor, false))));
    const json::value* const items = page.get_object().if_contains("items");
    if (items == nullptr || !items->is_array()) co_return not_understood("no list of connections");
    for (const json::value& each : items->get_array()) {
      auto read = read_connection(each);
      if (!read) co_return not_understood(read.error().message);
      std::string id = read.value().connection.text();
      found.insert_or_assign(std::move(id), Seen{text_at(each, "integration"), text_at(each, "updated_at"),
                                                 std::move(read).value()});
    }
    cursor = text_at(page, "next_cursor");
  } while (!cursor.empty());
  co_return found;
}

Task<Result<std::optional<RemoteLogAccess::Selection>>> RemoteLogAccess::read_selection(
    std::string integration) {
  auto name = IntegrationName::parse(integration);
  if (!name) co_return not_understood("the name of an integration");
  DEPUTY_CO_TRY(const auto body, co_await ask("/v1/integrations/" + name.value().text()));
  const json::value* const selection = body.get_object().if_contains("logs");
  if (selection == nullptr || !selection->is_object()) co_return std::optional<Selection>{};
  Selection wanted{.regions = {}, .groups = texts_at(*selection, "groups")};
  for (const std::string& text : texts_at(*selection, "regions")) {
    auto region = Region::parse(text);
    if (!region) co_return not_understood("a Region of an integration");
    wanted.regions.push_back(std::move(region).value());
  }
  co_return std::optional{std::move(wanted)};
}

Task<Result<std::vector<logs::Subscription>>> RemoteLogAccess::active() {
  DEPUTY_CO_TRY(auto found, co_await look());
  std::map<std::string, std::optional<Selection>> selections;
  std::vector<logs::Subscription> subscriptions;
  for (auto& [id, seen] : found) {
    auto selection = selections.find(seen.integration);
    if (selection == selections.end()) {
      DEPUTY_CO_TRY(auto read, co_await read_selection(seen.integration));
      selection = selections.emplace(seen.integration, std::move(read)).first;
    }
    if (!selection->second) continue;
    logs::Subscription& subscription = subscriptions.emplace_back(seen.subscription);
    subscription.regions = selection->second->regions;
    subscription.groups = selection->second->groups;
  }
  if (!known_) known_ = std::move(found);
  co_return subscriptions;
}

Task<Result<logs::CollectingCredentials>> RemoteLogAccess::get(ConnectionId connection, Region region) {
  json::value wanted{{"region", region.text()},
                     {"session_policy", json::parse(broker::log_collecting_policy)},
                     {"reason", "collecting logs"}};
  DEPUTY_CO_TRY(
      const auto answer,
      co_await api_.call("POST", "/v1/connections/" + connection.text() + "/credentials", std::move(wanted)));
  if (!answer.ok())
    co_return Error{
        ErrorKind::upstream_unavailable,
        fmt::format("the server gave no credentials: {} {}", answer.status, answer.member("code")),
        answer.member("detail")};
  auto account = AccountId::parse(answer.member("account_id"));
  const auto expires_at = parse_rfc3339(answer.member("expires_at"));
  const std::string key = answer.member("access_key_id");
  if (!account || !expires_at || key.empty()) co_return not_understood("credentials");
  co_return logs::CollectingCredentials{
      {.access_key_id = key,
       .secret_access_key = SecretString{answer.member("secret_access_key")},
       .session_token = SecretString{answer.member("session_token")},
       .expires_at = expires_at.value()},
      std::move(account).value()};
}

void RemoteLogAccess::watch(Revoked revoked) {
  group_.spawn(keep_looking(std::move(revoked)));
}

Task<void> RemoteLogAccess::keep_looking(Revoked revoked) {
  auto answered_at = clock_.steady_now();
  while (co_await sleep_for(loop_, look_every, group_.stop_token())) {
    auto found = co_await look();
    if (group_.stop_token().stop_requested()) co_return;
    const auto now = clock_.steady_now();
    if (!found) {
      trouble_ = found.error();
      if (now - answered_at < trust_for) continue;
      revoked(std::nullopt);
      known_.emplace();  // all are news when it answers again
      continue;
    }
    trouble_.reset();
    answered_at = now;
    const Connections before = std::exchange(known_, found.value()).value_or(found.value());
    const auto differs = [](const Connections& one, const Connections& other, auto each) {
      for (const auto& [id, seen] : one) {
        const auto same = other.find(id);
        if (same == other.end() || same->second.updated_at != seen.updated_at)
          each(seen.subscription.connection);
      }
    };
    differs(before, found.value(), revoked);
    differs(found.value(), before, revoked);
  }
}

Task<void> RemoteLogAccess::stop() {
  group_.request_stop();
  co_await group_.join();
}

}  // namespace deputy::app
