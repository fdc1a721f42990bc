#include "api/bodies.hpp"
#include "api/creation_pace.hpp"
#include "api/handlers.hpp"
#include "api/idempotency.hpp"
#include "api/link_base.hpp"
#include "api/render.hpp"
#include "api/services.hpp"

namespace deputy::api {
namespace {

// The link's secret goes straight into the text that is sent.
std::string render_created(const registry::CreatedConnectSession& created, const std::string& base) {
  std::string text = boost::json::serialize(render(created.session));
  if (!created.secret) return text;
  const std::string link = base + "/connect/" + created.session.id.text() + "/open/";
  std::string with_url;
  with_url.reserve(text.size() + link.size() + created.secret->size() + 16);
  with_url.append(text, 0, text.size() - 1);
  with_url += ",\"url\":\"";
  with_url += link;
  with_url += created.secret->reveal();
  with_url += "\"}";
  return with_url;
}

}  // namespace

Task<Result<Reply>> create_connect_session(const Services& services, Call call) {
  DEPUTY_CO_TRY(auto wanted, read_new_connect_session(call.body));
  DEPUTY_CO_TRY(auto once, read_idempotency(call.request, call.key->id, call.body));
  DEPUTY_CO_TRY(services.creations.take_connection(wanted.tenant_id, services.parts.clock.steady_now()));
  DEPUTY_CO_TRY(const auto base, link_base(services.settings.public_url, services.parts.listen_url));
  DEPUTY_CO_TRY(const auto made, co_await services.run([&] {
    return services.registry().create_connect_session(call.actor, std::move(wanted), std::move(once));
  }));
  co_return Reply{.status = 201,
                  .body = render_created(made.value, base),
                  .location = "/v1/connect-sessions/" + made.value.session.id.text(),
                  .replayed = made.replayed};
}

Task<Result<Reply>> list_connect_sessions(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto wanted, call.query.page());
  std::optional<TenantId> tenant;
  if (const auto given = call.query.find("tenant_id")) {
    auto id = TenantId::parse(*given);
    if (id.has_error())
      co_return Reply{.body = render_page(registry::Page<registry::ConnectSession>{},
                                          [](const registry::ConnectSession& one) { return render(one); })};
    tenant = std::move(id).value();
  }
  DEPUTY_CO_TRY(const auto page,
                co_await services.run([&] { return services.registry().connect_sessions(tenant, wanted); }));
  co_return Reply{.body = render_page(page, [](const registry::ConnectSession& one) { return render(one); })};
}

Task<Result<Reply>> get_connect_session(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectSessionId>());
  DEPUTY_CO_TRY(const auto session,
                co_await services.run([&] { return services.registry().connect_session(id); }));
  co_return Reply{.body = boost::json::serialize(render(session))};
}

Task<Result<Reply>> end_connect_session(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectSessionId>());
  DEPUTY_CO_TRY(
      co_await services.run([&] { return services.registry().end_connect_session(call.actor, id); }));
  co_return Reply{.status = 204};
}

}  // namespace deputy::api
