#include <algorithm>

#include "api/bodies.hpp"
#include "api/creation_pace.hpp"
#include "api/handlers.hpp"
#include "api/idempotency.hpp"
#include "api/render.hpp"
#include "api/services.hpp"
#include "api/sight.hpp"

namespace deputy::api {
namespace {

constexpr std::chrono::seconds narrowed_life_max = std::chrono::hours{1};

Error forbidden(std::string message, std::string field) {
  return Error{ErrorKind::forbidden, std::move(message)}.with_field(std::move(field));
}

Result<registry::NewKey> key_for_admin(const KeyWish& wish) {
  const bool for_workload = wish.workload || wish.connection_id;
  if (!wish.role && !for_workload)
    return Error{ErrorKind::invalid_request,
                 "`role` is missing; it is `admin`, `onboarding`, `workload` or `auditor`"}
        .with_field("role");
  return registry::NewKey{.role = wish.role.value_or(registry::KeyRole::workload),
                          .workload = wish.workload,
                          .connection_id = wish.connection_id,
                          .expires_in = wish.expires_in};
}

// A workload's key makes keys of the same workload, for one connection, and none that outlives itself.
Result<registry::NewKey> key_for_workload(const KeyWish& wish, const registry::Key& parent, Timestamp now) {
  if (wish.role && *wish.role != registry::KeyRole::workload)
    return forbidden("a workload's key makes keys of the role `workload` alone", "role");
  if (wish.workload && wish.workload != parent.workload)
    return forbidden("a workload's key makes keys for its own workload alone", "workload");
  if (!wish.connection_id)
    return forbidden("a workload's key makes keys for one connection alone; give `connection_id`",
                     "connection_id");
  if (wish.expires_in && *wish.expires_in > narrowed_life_max)
    return Error{ErrorKind::invalid_request, "`expires_in` is at most one hour for a key for one connection"}
        .with_field("expires_in");
  auto life = wish.expires_in.value_or(narrowed_life_max);
  if (parent.expires_at)
    life = std::min(life, std::chrono::floor<std::chrono::seconds>(*parent.expires_at - now));
  if (life < std::chrono::seconds{1}) return Error{ErrorKind::unauthorized, "the key expires"};
  return registry::NewKey{.role = registry::KeyRole::workload,
                          .workload = parent.workload,
                          .connection_id = wish.connection_id,
                          .expires_in = life,
                          .made_with = parent.id};
}

std::string render_created(const registry::CreatedKey& created) {
  std::string text = boost::json::serialize(render(created.key));
  if (!created.secret) return text;
  std::string with_secret;
  with_secret.reserve(text.size() + created.secret->size() + 32);
  with_secret.append(text, 0, text.size() - 1);
  with_secret += ",\"secret\":";
  append_json_string(with_secret, created.secret->reveal());
  with_secret += '}';
  return with_secret;
}

Result<registry::Created<registry::CreatedKey>> create(registry::Registry& registry, const Call& call,
                                                       KeyWish wish,
                                                       std::optional<registry::Idempotency> once,
                                                       Timestamp now) {
  if (call.key->role != registry::KeyRole::workload) {
    DEPUTY_TRY(auto wanted, key_for_admin(wish));
    return registry.create_key(call.actor, std::move(wanted), std::move(once));
  }
  DEPUTY_TRY(auto wanted, key_for_workload(wish, *call.key, now));
  DEPUTY_TRY(visible_connection(registry, *call.key, *wanted.connection_id));
  return registry.create_key(call.actor, std::move(wanted), std::move(once));
}

}  // namespace

Task<Result<Reply>> create_key(const Services& services, Call call) {
  DEPUTY_CO_TRY(auto wish, read_key_wish(call.body));
  DEPUTY_CO_TRY(auto once, read_idempotency(call.request, call.key->id, call.body));
  if (call.key->role == registry::KeyRole::workload) {
    DEPUTY_CO_TRY(services.creations.take_key(call.key->id, services.parts.clock.steady_now()));
  }
  DEPUTY_CO_TRY(const auto made, co_await services.run([&] {
    return create(services.registry(), call, std::move(wish), std::move(once), services.parts.clock.now());
  }));
  co_return Reply{.status = 201,
                  .body = render_created(made.value),
                  .location = "/v1/keys/" + made.value.key.id.text(),
                  .replayed = made.replayed};
}

Task<Result<Reply>> list_keys(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto wanted, call.query.page());
  DEPUTY_CO_TRY(const auto page, co_await services.run([&] { return services.registry().keys(wanted); }));
  co_return Reply{.body = render_page(page, [](const registry::Key& one) { return render(one); })};
}

Task<Result<Reply>> get_key(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<KeyId>());
  DEPUTY_CO_TRY(const auto key, co_await services.run([&] { return services.registry().key(id); }));
  co_return Reply{.body = boost::json::serialize(render(key))};
}

// What is under way for it, and for keys made with it, is withheld before the caller hears that it is
// revoked.
Task<Result<Reply>> revoke_key(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<KeyId>());
  DEPUTY_CO_TRY(co_await services.run([&] { return services.registry().revoke_key(call.actor, id); }));
  services.parts.broker.revoke(id);
  co_return Reply{.status = 204};
}

}  // namespace deputy::api
