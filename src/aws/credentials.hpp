#pragma once

#include <optional>
#include <string>

#include "core/clock.hpp"
#include "core/secret.hpp"

namespace deputy::aws {

// What signs a request: long-lived (no token, no expiry) or a session's.
struct Credentials {
  std::string access_key_id;
  SecretString secret_access_key;
  SecretString session_token;           // empty for long-lived ones
  std::optional<Timestamp> expires_at;  // absent: does not expire
};

}  // namespace deputy::aws
