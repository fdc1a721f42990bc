#include "api/role_description.hpp"

namespace deputy::api {
namespace {

templates::TrustForm trust_form(registry::TrustForm form) {
  return form == registry::TrustForm::role ? templates::TrustForm::role
                                           : templates::TrustForm::account_with_principal_arn;
}

}  // namespace

templates::RoleDescription describe_role(const RoleArn& partner_principal,
                                         const registry::Connection& connection,
                                         const registry::Tenant& tenant,
                                         const registry::Integration& integration) {
  std::optional<ExternalId> next;
  if (connection.rotation) next = connection.rotation->next_external_id;
  return templates::RoleDescription{
      .integration = integration.name,
      .integration_version = integration.version,
      .integration_description = integration.description,
      .policy_json = integration.policy,
      .reasons = integration.reasons,
      .role_name = integration.role_name,
      .trust = {.partner_principal = partner_principal,
                .external_id = connection.external_id,
                .next_external_id = std::move(next),
                .form = trust_form(integration.trust_form)},
      .tenant = tenant.id,
      .tenant_name = tenant.name,
      .connection = connection.id,
      .account = connection.account_id,
  };
}

std::string template_url_for(std::string url, const ConnectionId& connection) {
  constexpr std::string_view mark = "{connection}";
  if (const auto at = url.find(mark); at != std::string::npos)
    url.replace(at, mark.size(), connection.text());
  return url;
}

}  // namespace deputy::api
