#include "api/bodies.hpp"
#include "api/creation_pace.hpp"
#include "api/handlers.hpp"
#include "api/idempotency.hpp"
#include "api/render.hpp"
#include "api/services.hpp"

namespace deputy::api {

Task<Result<Reply>> create_tenant(const Services& services, Call call) {
  DEPUTY_CO_TRY(auto wanted, read_new_tenant(call.body));
  DEPUTY_CO_TRY(auto once, read_idempotency(call.request, call.key->id, call.body));
  // An admin's own migration of thousands is not held up; what a partner's sign-up form can be made to do is.
  if (call.key->role != registry::KeyRole::admin) {
    DEPUTY_CO_TRY(services.creations.take_tenant(call.key->id, services.parts.clock.steady_now()));
  }
  DEPUTY_CO_TRY(const auto made, co_await services.run([&] {
    return services.registry().create_tenant(call.actor, std::move(wanted), std::move(once));
  }));
  co_return Reply{.status = 201,
                  .body = boost::json::serialize(render(made.value)),
                  .location = "/v1/tenants/" + made.value.id.text(),
                  .replayed = made.replayed};
}

Task<Result<Reply>> list_tenants(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto wanted, call.query.page());
  DEPUTY_CO_TRY(const auto page, co_await services.run([&] { return services.registry().tenants(wanted); }));
  co_return Reply{.body = render_page(page, [](const registry::Tenant& tenant) { return render(tenant); })};
}

Task<Result<Reply>> get_tenant(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<TenantId>());
  DEPUTY_CO_TRY(const auto tenant, co_await services.run([&] { return services.registry().tenant(id); }));
  co_return Reply{.body = boost::json::serialize(render(tenant))};
}

}  // namespace deputy::api
