#pragma once

#include <functional>
#include <string>

#include "core/result.hpp"

namespace deputy::api {

// Where links for people lead: `server.public_url`, or else the address that Deputy listens on. A link's
// secret and the cookie that it becomes must not cross a network in clear: `conflict` unless that is https,
// or http on this machine.
Result<std::string> link_base(const std::string& public_url, const std::function<std::string()>& listen_url);

// Whether http to this host stays on this machine: `localhost`, 127.0.0.0/8, `[::1]`; with or without a port.
bool is_this_machine(std::string_view host);

}  // namespace deputy::api
