#include "aws/base/static_keys.hpp"

#include <algorithm>
#include <string_view>

#include "aws/base/credential_source.hpp"

namespace deputy::aws {
namespace {

constexpr std::size_t key_id_bytes_max = 128;
constexpr std::size_t secret_bytes_max = 1'024;
constexpr std::size_t token_bytes_max = 32'768;

bool is_key_id(std::string_view text) {
  return text.size() <= key_id_bytes_max && std::ranges::all_of(text, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

// What else is in them is a slip such as a pasted quote or line break.
bool is_visible(std::string_view text, std::size_t bytes_max) {
  return text.size() <= bytes_max && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

StaticKeys::~StaticKeys() {
  wipe(secret_access_key);
  wipe(session_token);
}

Result<std::optional<Credentials>> credentials_of(StaticKeys& keys, const KeyNames& names) {
  if (keys.access_key_id.empty() && keys.secret_access_key.empty()) return std::optional<Credentials>{};
  if (keys.access_key_id.empty()) return broken_source(names[1] + " is set, but " + names[0] + " is not");
  if (keys.secret_access_key.empty()) return broken_source(names[0] + " is set, but " + names[1] + " is not");
  if (!is_key_id(keys.access_key_id)) return broken_source(names[0] + " is no access key ID");
  if (!is_visible(keys.secret_access_key, secret_bytes_max))
    return broken_source(names[1] + " is no secret access key");
  if (!is_visible(keys.session_token, token_bytes_max))
    return broken_source(names[2] + " is no session token");
  return std::optional{Credentials{.access_key_id = keys.access_key_id,
                                   .secret_access_key = SecretString::take(keys.secret_access_key),
                                   .session_token = SecretString::take(keys.session_token),
                                   .expires_at = std::nullopt}};
}

}  // namespace deputy::aws
