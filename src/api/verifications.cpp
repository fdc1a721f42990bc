#include "api/handlers.hpp"
#include "api/idempotency.hpp"
#include "api/render.hpp"
#include "api/services.hpp"

namespace deputy::api {

Task<Result<Reply>> request_verification(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectionId>());
  DEPUTY_CO_TRY(auto once, read_idempotency(call.request, call.key->id, call.body));
  DEPUTY_CO_TRY(const auto requested, co_await services.run([&] {
    return services.registry().request_verification(call.actor, id, std::move(once));
  }));
  services.parts.wake_verification();
  co_return Reply{.status = 202,
                  .body = boost::json::serialize(render(requested.value)),
                  .location = "/v1/connections/" + id.text() + "/verifications/" + requested.value.id.text(),
                  .replayed = requested.replayed};
}

Task<Result<Reply>> list_verifications(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectionId>());
  DEPUTY_CO_TRY(const auto wanted, call.query.page());
  DEPUTY_CO_TRY(const auto page,
                co_await services.run([&] { return services.registry().verifications(id, wanted); }));
  co_return Reply{.body = render_page(page, [](const registry::Verification& one) { return render(one); })};
}

Task<Result<Reply>> get_verification(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto connection, call.path_id<ConnectionId>(0));
  DEPUTY_CO_TRY(const auto id, call.path_id<VerificationId>(1));
  DEPUTY_CO_TRY(const auto verification,
                co_await services.run([&] { return services.registry().verification(connection, id); }));
  boost::json::object shown = render(verification);
  const bool watched = !verification.done && services.parts.progress;
  const auto progress = watched ? services.parts.progress(id) : std::nullopt;
  if (progress) shown = render(verification, *progress);
  co_return Reply{.body = boost::json::serialize(shown)};
}

}  // namespace deputy::api
