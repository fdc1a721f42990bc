#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "core/result.hpp"
#include "core/secret.hpp"
#include "http/message.hpp"
#include "registry/model.hpp"

namespace deputy::api {

enum class KeyForm {
  bearer,          // `Authorization: Bearer KEY` (RFC 6750, section 2.1)
  bearer_or_bare,  // `Authorization: KEY` too: SDKs send AWS_CONTAINER_AUTHORIZATION_TOKEN verbatim
};

// The key that the request carries. `unauthorized` when there is none, several, or one that cannot be a key.
Result<SecretString> presented_key(const http::Headers& headers, KeyForm form);

// Workloads by the user of this machine that they run as: `server.unix_socket_users`.
using WorkloadUsers = std::map<std::uint32_t, WorkloadName>;

// What the user at the other end of the Unix socket may do, as if it had a key of its workload's. Nothing for
// a request that came over TCP or carries an Authorization (that one counts, good or not), and for users that
// stand for no workload. Its identifier is no key's: nothing can be made with it or be revoked by it.
std::optional<registry::Key> key_of_user(const http::Request& request, const WorkloadUsers& users);

}  // namespace deputy::api
