#include <boost/json.hpp>

#include "api/handlers.hpp"
#include "api/role_description.hpp"
#include "api/services.hpp"
#include "templates/template.hpp"

namespace deputy::api {
namespace {

// The role that the customer is to make for the connection; `connection_disconnected` when there is none to
// make.
Result<templates::RoleDescription> role_of(registry::Registry& registry, const ConnectionId& id) {
  DEPUTY_TRY(const auto connection, registry.connection(id));
  if (connection.state == registry::ConnectionState::disconnected)
    return Error{ErrorKind::connection_disconnected,
                 "the connection is disconnected for good; create a new one to connect the account again"};
  DEPUTY_TRY(const auto tenant, registry.tenant(connection.tenant_id));
  DEPUTY_TRY(const auto integration,
             registry.integration(connection.integration, connection.integration_version));
  return describe_role(registry.settings().partner_principal, connection, tenant, integration);
}

}  // namespace

Task<Result<Reply>> get_template(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectionId>());
  auto format = templates::parse_format(call.query.find("format").value_or("cloudformation"));
  if (format.has_error()) co_return std::move(format.error()).with_field("format");
  DEPUTY_CO_TRY(const auto role, co_await services.run([&] { return role_of(services.registry(), id); }));
  DEPUTY_CO_TRY(auto text, templates::render(format.value(), role));
  const std::string file_name{templates::file_name_of(format.value())};
  co_return Reply{.body = std::move(text),
                  .content_type = std::string{templates::content_type_of(format.value())},
                  .headers = {{"Content-Disposition", "attachment; filename=\"" + file_name + "\""}}};
}

Task<Result<Reply>> get_launch_url(const Services& services, Call call) {
  DEPUTY_CO_TRY(const auto id, call.path_id<ConnectionId>());
  Region region = services.settings.region;
  if (const auto given = call.query.find("region")) {
    auto parsed = Region::parse(*given);
    if (parsed.has_error()) co_return std::move(parsed.error()).with_field("region");
    region = std::move(parsed).value();
  }
  DEPUTY_CO_TRY(const auto role, co_await services.run([&] { return role_of(services.registry(), id); }));
  if (!services.settings.template_url)
    co_return Error{
        ErrorKind::conflict,
        "no launch link can be made: AWS takes templates from S3 only; set `connect.template_url` to "
        "where the template is, or give the customer the template itself"};
  DEPUTY_CO_TRY(const auto url,
                templates::launch_url(role, region, template_url_for(*services.settings.template_url, id),
                                      services.settings.console_url));
  co_return Reply{.body = boost::json::serialize(boost::json::object{{"url", url}})};
}

}  // namespace deputy::api
