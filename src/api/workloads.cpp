#include "api/bodies.hpp"
#include "api/handlers.hpp"
#include "api/render.hpp"
#include "api/services.hpp"

namespace deputy::api {
namespace {

struct Put {
  registry::Workload workload;
  bool first = false;  // there was none of this name before
};

Result<Put> put(registry::Registry& registry, const registry::Actor& actor, registry::Workload wanted) {
  const auto before = registry.workload(wanted.name);
  if (!before && before.error().kind != ErrorKind::not_found) return before.error();
  DEPUTY_TRY(auto stored, registry.put_workload(actor, std::move(wanted)));
  return Put{std::move(stored), !before};
}

}  // namespace

// What was cached for the workload is gone before the caller hears of its new grants.
Task<Result<Reply>> put_workload(const Services& services, Call call) {
  auto name = WorkloadName::parse(call.parameters.at(0));
  if (name.has_error()) co_return std::move(name.error()).with_field("name");
  DEPUTY_CO_TRY(auto wanted, read_workload(call.body, std::move(name).value()));
  DEPUTY_CO_TRY(const auto stored, co_await services.run([&] {
    return put(services.registry(), call.actor, std::move(wanted));
  }));
  services.parts.broker.revoke(stored.workload.name);
  co_return Reply{.status = stored.first ? 201 : 200,
                  .body = boost::json::serialize(render(stored.workload)),
                  .location = stored.first ? "/v1/workloads/" + stored.workload.name.text() : ""};
}

Task<Result<Reply>> list_workloads(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto wanted, call.query.page());
  DEPUTY_CO_TRY(const auto page,
                co_await services.run([&] { return services.registry().workloads(wanted); }));
  co_return Reply{.body = render_page(page, [](const registry::Workload& one) { return render(one); })};
}

Task<Result<Reply>> get_workload(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto name, call.path_id<WorkloadName>());
  DEPUTY_CO_TRY(const auto workload,
                co_await services.run([&] { return services.registry().workload(name); }));
  co_return Reply{.body = boost::json::serialize(render(workload))};
}

}  // namespace deputy::api
