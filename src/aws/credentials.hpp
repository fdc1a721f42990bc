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
  std::optional<Timestamp> expires_at;  // absent: does not expire, or it is not known when
  bool is_role_session = false;         // known to be the session of a role

  // STS gives the session of a role at most an hour of another role (role chaining). A session token whose
  // origin is not known (from the environment, a file or a process) may be one.
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
  bool may_be_role_session() const { return is_role_session || !session_token.empty(); }
};

}  // namespace deputy::aws
