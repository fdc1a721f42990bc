#pragma once

#include <array>
#include <optional>
#include <string>

#include "aws/credentials.hpp"
#include "core/result.hpp"

namespace deputy::aws {

// Keys as somebody wrote them down: in the environment, a file, an answer. Wiped at the end.
struct StaticKeys {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;

  StaticKeys() = default;
  StaticKeys(std::string id, std::string secret, std::string token)
      : access_key_id(std::move(id)), secret_access_key(std::move(secret)), session_token(std::move(token)) {}
  StaticKeys(const StaticKeys&) = delete;
  StaticKeys& operator=(const StaticKeys&) = delete;
  ~StaticKeys();
};

// What the three are called where they come from.
using KeyNames = std::array<std::string, 3>;

// nullopt when neither ID nor secret is there. They become header fields, so anything but visible ASCII is an
// error, as is one without the other. Errors name the names, never a value.
Result<std::optional<Credentials>> credentials_of(StaticKeys& keys, const KeyNames& names);

}  // namespace deputy::aws
