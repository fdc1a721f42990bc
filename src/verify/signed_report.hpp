#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/secret.hpp"
#include "registry/registry.hpp"

namespace deputy::verify {

// Signs reports with Ed25519 (RFC 8032), so that who kept one can show later what was verified, to anybody
// who has the public key. Thread-safe.
class ReportSigner {
 public:
  explicit ReportSigner(const SecretString& seed);  // REQUIRES: 32 bytes, from the master key

  // The bare key in base64 and as the PEM that openssl reads.
  const std::string& public_key() const { return public_key_; }
  std::string public_key_pem() const;
  // The first 16 hexadecimal digits of the key's SHA-256.
  const std::string& key_id() const { return key_id_; }

  // The signature over these bytes, base64.
  std::string sign(std::string_view bytes) const;

 private:
  SecretString secret_key_;
  std::string public_key_;
  std::string key_id_;
};

// What a finished verification of the connection's present binding found, as a JSON document
// `{"report": {…}, "signature": {"algorithm", "key_id", "value"}}`: binding, checks, hashes of the policies,
// times. The signature is over `report` as RFC 8785 writes it: members sorted, nothing between them. Nothing
// when the verification is not done or is about another binding.
std::optional<std::string> signed_report(const ReportSigner& signer, const registry::Connection& connection,
                                         const registry::Tenant& tenant,
                                         const registry::Integration& integration,
                                         const registry::Verification& verification, Timestamp now);

// Whether the document is one that was signed with this public key (base64, or PEM). `invalid_request` says
// what is wrong with the document or the key; `conflict` that the signature is not over this report by this
// key.
Result<void> check_report(std::string_view document, std::string_view public_key);

}  // namespace deputy::verify
