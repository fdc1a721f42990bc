#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "sandbox/state.hpp"

// JSON Web Tokens of OpenID Connect providers, signed with RS256 as Kubernetes does (RFC 7515, 7518, 7519).
namespace deputy::sandbox {

// The claims, unverified.
struct IdentityToken {
  std::string key_id;    // `kid`
  std::string issuer;    // `iss`
  std::string subject;   // `sub`
  std::string audience;  // `azp`, where there is one, else `aud`, of which there is one alone
  Timestamp expires_at;
  std::string signed_text, signature;  // of the compact form
};

// `InvalidIdentityToken` for what is no token that AWS would take.
Outcome<IdentityToken> read_identity_token(std::string_view compact);

// Whether the token's time, audience and signature are right for the provider: `ExpiredTokenException`,
// `InvalidIdentityToken`.
Outcome<void> verify_identity_token(const IdentityToken& token, const OidcProvider& provider, Timestamp now);

// Whether it is a public RSA key of at least 2,048 bits, in PEM.
bool is_provider_key(std::string_view pem);

}  // namespace deputy::sandbox
