#pragma once

#include <optional>
#include <string>

#include "broker/broker.hpp"

// Who may have what: pure decisions on one request and what the registry knows. Every default is deny.
namespace deputy::broker {

// Are the options in AWS's bounds, whoever asks? `invalid_request` naming the field. Bounds:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
Result<void> check_options(const CredentialOptions& options);

// May this key ask for credentials of this connection at all? Before anything is read. Keys of the roles
// `workload` and `admin` may: `forbidden` for others; `not_found` where the key is for another connection
// alone.
Result<void> check_key(const CredentialRequest& request);

// What a grant adds to a request.
struct Entitlement {
  std::optional<std::string> session_policy;  // forced by the grant, or the caller's own
  std::string forced_by = {};                 // for people: the grant; empty where none forces it
};

// May this key have credentials of this connection with these options? An admin always. A workload when one
// of its grants that cover the connection allows all the options; where any of those forces a session policy,
// by the ones that force it alone (`forbidden` where they force different ones). The order of the grants
// decides nothing. As `check_key`, and `forbidden` for
// options beyond the grants, naming the option; `not_found` for what the key may not even know of, word for
// word as for a connection that does not exist.
Result<Entitlement> entitle(const CredentialRequest& request, const registry::IssuingView& view);

// Is the connection in a state to be used? `connection_disconnected`, `connection_not_active`,
// `verification_expired`.
Result<void> check_state(const registry::Connection& connection, Timestamp now,
                         std::chrono::milliseconds verification_max_age);

Error no_such_connection(const ConnectionId& id);

}  // namespace deputy::broker
