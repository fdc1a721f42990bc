#pragma once

#include "core/result.hpp"
#include "core/secret.hpp"
#include "http/message.hpp"

namespace deputy::api {

enum class KeyForm {
  bearer,          // `Authorization: Bearer KEY` (RFC 6750, section 2.1)
  bearer_or_bare,  // `Authorization: KEY` too: SDKs send AWS_CONTAINER_AUTHORIZATION_TOKEN verbatim
};

// The key that the request carries. `unauthorized` when there is none, several, or one that cannot be a key.
Result<SecretString> presented_key(const http::Headers& headers, KeyForm form);

}  // namespace deputy::api
