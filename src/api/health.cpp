#include "api/docs_page.hpp"
#include "api/handlers.hpp"
#include "api/metrics.hpp"
#include "api/openapi.hpp"
#include "api/services.hpp"

namespace deputy::api {

// The process answers: no more is said, since a restart would mend no more.
Task<Result<Reply>> get_health(const Services&, Call) {
  co_return Reply{.body = R"({"status":"ok"})"};
}

// The database answers and can be trusted, and the process is not about to stop.
Task<Result<Reply>> get_readiness(const Services& services, Call) {
  if (services.unready) co_return Error{ErrorKind::overloaded, *services.unready};
  const auto reachable = co_await services.run_ahead([&] { return services.registry().earliest_due(); });
  if (reachable.has_error())
    co_return Error{ErrorKind::overloaded, "the database does not answer", reachable.error().detail};
  co_return Reply{.body = R"({"status":"ready"})"};
}

// Without a database there are still metrics, with what was last counted.
Task<Result<Reply>> get_metrics(const Services& services, Call) {
  if (services.metrics.is_survey_due(services.parts.clock.steady_now())) {
    auto survey = co_await services.run_ahead([&] { return services.registry().survey(); });
    if (survey) services.metrics.set_survey(std::move(survey).value());
  }
  const auto counts = services.parts.broker.counts();
  std::optional<http::ServerCounts> listener;
  if (services.parts.listener_counts) listener = services.parts.listener_counts();
  const Metrics::Standing standing{.broker = counts,
                                   .verifications = services.registry().verification_counts(),
                                   .survey = services.metrics.survey(),
                                   .version = services.settings.version,
                                   .ready = !services.unready,
                                   .listener = listener ? &*listener : nullptr};
  co_return Reply{.body = services.metrics.text(standing),
                  .content_type = "text/plain; version=0.0.4; charset=utf-8"};
}

Task<Result<Reply>> get_openapi(const Services&, Call) {
  co_return Reply{.body = std::string{openapi_document()}};
}

Task<Result<Reply>> get_docs(const Services&, Call) {
  static const std::string page = docs_page(openapi_document());
  co_return Reply{.body = page,
                  .content_type = "text/html; charset=utf-8",
                  .headers = {{"Content-Security-Policy", std::string{docs_content_security_policy}},
                              {"X-Frame-Options", "DENY"},
                              {"Referrer-Policy", "no-referrer"}}};
}

}  // namespace deputy::api
