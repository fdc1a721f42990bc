#include "logs/collector.hpp"

#include <charconv>

#include "api/bodies.hpp"
#include "api/handlers.hpp"
#include "api/render.hpp"
#include "api/services.hpp"
#include "api/sight.hpp"

namespace deputy::api {
namespace {

struct Put {
  registry::Integration integration;
  bool first = false;  // there was none of this name before
};

Result<Put> put(registry::Registry& registry, const registry::Actor& actor, registry::IntegrationSpec spec) {
  const auto before = registry.integration(spec.name);
  if (!before && before.error().kind != ErrorKind::not_found) return before.error();
  DEPUTY_TRY(auto stored, registry.put_integration(actor, std::move(spec)));
  return Put{std::move(stored), !before};
}

Result<std::optional<int>> read_version(const Query& query) {
  const auto text = query.find("version");
  if (!text) return std::optional<int>{};
  int version = 0;
  const char* const end = text->data() + text->size();
  if (std::from_chars(text->data(), end, version) != std::from_chars_result{end, {}} || version < 1)
    return Error{ErrorKind::invalid_request, "`version` must be a whole number from 1"}.with_field("version");
  return std::optional{version};
}

}  // namespace

Task<Result<Reply>> put_integration(const Services& services, Call call) {
  auto name = IntegrationName::parse(call.parameters.at(0));
  if (name.has_error()) co_return std::move(name.error()).with_field("name");
  DEPUTY_CO_TRY(auto spec, read_integration(call.body, std::move(name).value()));
  DEPUTY_CO_TRY(const auto stored,
                co_await services.run([&] { return put(services.registry(), call.actor, std::move(spec)); }));
  // Log groups that it names no more are read no more, and new ones are looked for.
  if (auto* const collector = services.parts.log_collector ? services.parts.log_collector() : nullptr)
    collector->wake();
  co_return Reply{.status = stored.first ? 201 : 200,
                  .body = boost::json::serialize(render(stored.integration)),
                  .location = stored.first ? "/v1/integrations/" + stored.integration.name.text() : ""};
}

Task<Result<Reply>> list_integrations(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto wanted, call.query.page());
  DEPUTY_CO_TRY(const auto page,
                co_await services.run([&] { return services.registry().integrations(wanted); }));
  co_return Reply{.body = render_page(page, [](const registry::Integration& one) { return render(one); })};
}

Task<Result<Reply>> get_integration(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto name, call.path_id<IntegrationName>());
  DEPUTY_CO_TRY(const auto version, read_version(call.query));
  DEPUTY_CO_TRY(const auto found, co_await services.run([&]() -> Result<registry::Integration> {
    DEPUTY_TRY(const bool sees, sees_integration(services.registry(), *call.key, name));
    if (!sees) return Error{ErrorKind::not_found, "no such integration"};
    return services.registry().integration(name, version);
  }));
  co_return Reply{.body = boost::json::serialize(render(found))};
}

}  // namespace deputy::api
