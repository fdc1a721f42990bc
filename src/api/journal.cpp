#include "api/handlers.hpp"
#include "api/render.hpp"
#include "api/services.hpp"

namespace deputy::api {

Task<Result<Reply>> list_journal(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto wanted, call.query.page());
  DEPUTY_CO_TRY(const auto page, co_await services.run([&] { return services.registry().journal(wanted); }));
  co_return Reply{.body = render_page(page, [](const journal::ChainedEntry& one) { return render(one); })};
}

}  // namespace deputy::api
