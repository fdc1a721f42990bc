#pragma once

#include <string>

#include "registry/registry.hpp"
#include "templates/template.hpp"

namespace deputy::api {

// The role that the tenant's administrator is to make for the connection, by the integration's version given.
// Pure.
templates::RoleDescription describe_role(const RoleArn& partner_principal,
                                         const registry::Connection& connection,
                                         const registry::Tenant& tenant,
                                         const registry::Integration& integration);

// `{connection}` in the configured URL stands for the connection: its template carries its own values.
std::string template_url_for(std::string url, const ConnectionId& connection);

}  // namespace deputy::api
