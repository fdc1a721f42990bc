#include "api/bodies.hpp"
#include "api/handlers.hpp"
#include "api/render.hpp"
#include "api/services.hpp"

namespace deputy::api {
namespace {

broker::CredentialRequest request_for(Call& call, ConnectionId id, broker::CredentialOptions options) {
  return {.actor = std::move(call.actor),
          .key = call.key,
          .connection_id = std::move(id),
          .options = std::move(options)};
}

}  // namespace

// Idempotency-Key is not honoured here: credentials are never kept to be shown again.
Task<Result<Reply>> issue_credentials(const Services& services, Call call) {
  DEPUTY_CO_TRY(auto id, call.path_id<ConnectionId>());
  DEPUTY_CO_TRY(auto options, read_credential_options(call.body));
  DEPUTY_CO_TRY(const auto issued,
                co_await services.parts.broker.issue(request_for(call, std::move(id), std::move(options))));
  co_return Reply{.body = render_credentials(issued, services.parts.clock.now())};
}

Task<Result<Reply>> issue_container_credentials(const Services& services, Call call) {
  DEPUTY_CO_TRY(auto id, call.path_id<ConnectionId>());
  DEPUTY_CO_TRY(const auto issued,
                co_await services.parts.broker.issue(request_for(call, std::move(id), {})));
  co_return Reply{.body = render_container_credentials(issued)};
}

Task<Result<Reply>> list_issuances(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectionId>());
  DEPUTY_CO_TRY(const auto wanted, call.query.page());
  DEPUTY_CO_TRY(const auto page,
                co_await services.run([&] { return services.registry().issuances(id, wanted); }));
  co_return Reply{.body = render_page(page, [](const registry::Issuance& one) { return render(one); })};
}

}  // namespace deputy::api
