#include "logs/collector.hpp"
#include "logs/sinks/sink_runner.hpp"
#include "logstore/store.hpp"

#include "api/docs_page.hpp"
#include "api/handlers.hpp"
#include "api/json_fields.hpp"
#include "api/metrics.hpp"
#include "api/openapi.hpp"
#include "api/operator_page.hpp"
#include "api/services.hpp"

namespace deputy::api {
namespace {

// Nothing when the database answers, can be written and can be trusted, and the process is not about to stop.
Task<std::optional<Error>> trouble_of(const Services& services) {
  if (services.unready) co_return Error{ErrorKind::overloaded, *services.unready};
  const auto reachable = co_await services.run_ahead([&] { return services.registry().earliest_due(); });
  if (!reachable)
    co_return Error{ErrorKind::overloaded, "the database does not answer", reachable.error().detail};
  if (!services.registry().write_trouble()) co_return std::nullopt;
  const auto writing = co_await services.run([&] { return services.registry().check_writing(); });
  if (writing) co_return std::nullopt;
  co_return Error{ErrorKind::overloaded, writing.error().message, writing.error().detail};
}

Reply page_reply(std::string page) {
  return Reply{.body = std::move(page),
               .content_type = "text/html; charset=utf-8",
               .headers = {{"Content-Security-Policy", std::string{page_security_policy}},
                           {"X-Frame-Options", "DENY"},
                           {"Referrer-Policy", "no-referrer"}}};
}

}  // namespace

// The process answers: no more is said, since a restart would mend no more.
Task<Result<Reply>> get_health(const Services&, Call) {
  co_return Reply{.body = R"({"status":"ok"})"};
}

Task<Result<Reply>> get_readiness(const Services& services, Call) {
  if (auto trouble = co_await trouble_of(services)) co_return *std::move(trouble);
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
  std::optional<logs::CollectorCounts> collected;
  if (const auto* collector = services.parts.log_collector ? services.parts.log_collector() : nullptr)
    collected = collector->counts();
  const auto* spool = services.parts.log_spool ? services.parts.log_spool() : nullptr;
  const auto* store = services.parts.log_store;
  Metrics::Standing standing{.broker = counts,
                             .verifications = services.registry().verification_counts(),
                             .webhooks = services.registry().webhook_counts(),
                             .survey = services.metrics.survey(),
                             .now = services.parts.clock.now(),
                             .version = services.settings.version,
                             .ready = !services.unready && !services.registry().write_trouble(),
                             .listener = listener ? &*listener : nullptr,
                             .logs = collected ? &*collected : nullptr};
  if (services.parts.log_sinks) standing.log_sinks = services.parts.log_sinks();
  if (spool != nullptr) standing.log_sequence = spool->last_sequence();
  if (store != nullptr) standing.log_store = store->counts();
  co_return Reply{.body = services.metrics.text(standing),
                  .content_type = "text/plain; version=0.0.4; charset=utf-8"};
}

// Whoever keeps a signed report checks it with this key.
Task<Result<Reply>> get_report_key(const Services& services, Call) {
  const ReportKey& key = services.settings.report_key;
  std::string body = R"({"algorithm":"Ed25519","key_id":)";
  append_json_string(body, key.id);
  body += R"(,"public_key":)";
  append_json_string(body, key.public_key);
  body += R"(,"pem":)";
  append_json_string(body, key.pem);
  co_return Reply{.body = body + "}"};
}

Task<Result<Reply>> get_openapi(const Services&, Call) {
  co_return Reply{.body = std::string{openapi_document()}};
}

Task<Result<Reply>> get_docs(const Services&, Call) {
  static const std::string page = docs_page(openapi_document());
  co_return page_reply(page);
}

Task<Result<Reply>> get_page_asset(const Services&, Call call) {
  const auto asset = page_asset(call.parameters.at(0));
  if (!asset) co_return Error{ErrorKind::not_found, "no such object"};
  co_return Reply{.body = std::string{asset->body},
                  .content_type = std::string{asset->content_type},
                  .headers = {{"Content-Security-Policy", std::string{page_security_policy}}}};
}

Task<Result<Reply>> get_front_page(const Services& services, Call) {
  const auto trouble = co_await trouble_of(services);
  std::optional<std::string> told;
  if (trouble) told = trouble->message;
  co_return page_reply(front_page({.version = services.settings.version, .trouble = std::move(told)}));
}

}  // namespace deputy::api
