#include "api/bodies.hpp"
#include "api/creation_pace.hpp"
#include "api/handlers.hpp"
#include "api/idempotency.hpp"
#include "api/render.hpp"
#include "api/services.hpp"
#include "api/sight.hpp"
#include "registry/connection_life.hpp"

namespace deputy::api {
namespace {

Audience audience_of(const registry::Key& key) {
  return key.role == registry::KeyRole::workload ? Audience::workload : Audience::partner;
}

Reply connection_reply(const registry::Connection& connection, const registry::Key& key, int status) {
  return Reply{.status = status, .body = boost::json::serialize(render(connection, audience_of(key)))};
}

// Nothing when the filter names what cannot exist: then nothing is found, as for a tenant that does not
// exist.
Result<std::optional<ConnectionSearch>> read_search(const Query& query) {
  ConnectionSearch search;
  if (const auto tenant = query.find("tenant_id")) {
    auto id = TenantId::parse(*tenant);
    if (id.has_error()) return std::optional<ConnectionSearch>{};
    search.filter.tenant_id = std::move(id).value();
  }
  if (const auto state = query.find("state")) {
    auto parsed = registry::parse_enum<registry::ConnectionState>(*state);
    if (parsed.has_error()) return std::move(parsed.error()).with_field("state");
    search.filter.state = parsed.value();
  }
  search.reference = query.find("reference");
  return std::optional{std::move(search)};
}

// What is wrong with the body of a request for a connection. One that has ended, or never was, is told first:
// no other body would help.
Task<Error> wrong_body(const Services& services, const ConnectionId& id, Error error) {
  const auto connection = co_await services.run([&] { return services.registry().connection(id); });
  if (!connection) co_return connection.error();
  const auto connected = registry::require_connected(connection.value());
  co_return connected ? std::move(error) : connected.error();
}

}  // namespace

Task<Result<Reply>> create_connection(const Services& services, Call call) {
  DEPUTY_CO_TRY(auto wanted, read_new_connection(call.body));
  DEPUTY_CO_TRY(auto once, read_idempotency(call.request, call.key->id, call.body));
  DEPUTY_CO_TRY(services.creations.take_connection(wanted.tenant_id, services.parts.clock.steady_now()));
  DEPUTY_CO_TRY(const auto made, co_await services.run([&] {
    return services.registry().create_connection(call.actor, std::move(wanted), std::move(once));
  }));
  Reply reply = connection_reply(made.value, *call.key, 201);
  reply.location = "/v1/connections/" + made.value.id.text();
  reply.replayed = made.replayed;
  co_return reply;
}

Task<Result<Reply>> list_connections(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto wanted, call.query.page());
  DEPUTY_CO_TRY(auto search, read_search(call.query));
  const Audience audience = audience_of(*call.key);
  const auto render_one = [audience](const registry::Connection& one) { return render(one, audience); };
  if (!search) co_return Reply{.body = render_page(registry::Page<registry::Connection>{}, render_one)};
  DEPUTY_CO_TRY(const auto page, co_await services.run([&] {
    return visible_connections(services.registry(), *call.key, *std::move(search), wanted);
  }));
  co_return Reply{.body = render_page(page, render_one)};
}

Task<Result<Reply>> get_connection(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectionId>());
  DEPUTY_CO_TRY(const auto connection, co_await services.run([&] {
    return visible_connection(services.registry(), *call.key, id);
  }));
  co_return connection_reply(connection, *call.key, 200);
}

// What was cached is gone before the caller hears that the connection is: no credentials after that.
Task<Result<Reply>> disconnect(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectionId>());
  DEPUTY_CO_TRY(co_await services.run([&] { return services.registry().disconnect(call.actor, id); }));
  services.parts.broker.revoke(id);
  co_return Reply{.status = 204};
}

Task<Result<Reply>> put_role(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectionId>());
  auto role_arn = read_role(call.body);
  if (!role_arn) co_return co_await wrong_body(services, id, std::move(role_arn.error()));
  DEPUTY_CO_TRY(const auto connection, co_await services.run([&] {
    return services.registry().set_role(call.actor, id, role_arn.value());
  }));
  services.parts.broker.revoke(id);
  services.parts.wake_verification();
  co_return connection_reply(connection, *call.key, 202);
}

Task<Result<Reply>> release_connection(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectionId>());
  DEPUTY_CO_TRY(const auto connection,
                co_await services.run([&] { return services.registry().release(call.actor, id); }));
  co_return connection_reply(connection, *call.key, 200);
}

Task<Result<Reply>> begin_rotation(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectionId>());
  DEPUTY_CO_TRY(auto once, read_idempotency(call.request, call.key->id, call.body));
  DEPUTY_CO_TRY(const auto begun, co_await services.run([&] {
    return services.registry().begin_rotation(call.actor, id, std::move(once));
  }));
  services.parts.wake_verification();
  Reply reply = connection_reply(begun.value, *call.key, 201);
  reply.replayed = begun.replayed;
  co_return reply;
}

Task<Result<Reply>> promote_rotation(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectionId>());
  DEPUTY_CO_TRY(const auto connection,
                co_await services.run([&] { return services.registry().promote_rotation(call.actor, id); }));
  services.parts.broker.revoke(id);
  services.parts.wake_verification();
  co_return connection_reply(connection, *call.key, 200);
}

Task<Result<Reply>> cancel_rotation(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectionId>());
  DEPUTY_CO_TRY(co_await services.run([&] { return services.registry().cancel_rotation(call.actor, id); }));
  services.parts.broker.revoke(id);
  co_return Reply{.status = 204};
}

}  // namespace deputy::api
