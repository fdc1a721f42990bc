#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/secret.hpp"
#include "storage/value.hpp"

namespace deputy::storage {

// The place that a sealed value belongs to; it opens nowhere else. Views: they outlive the call only.
struct SealedPlace {
  std::string_view table;
  std::string_view column;
  std::string_view row;  // the row's identifier
  std::string_view connection;
  std::string_view tenant;
};

// Authenticated encryption of single values: XChaCha20-Poly1305 (libsodium, IETF variant) under a random
// 24-byte nonce each time, with the place as associated data. Form: nonce, ciphertext, tag. Thread-safe.
class Sealer {
 public:
  explicit Sealer(SecretString key);  // REQUIRES: 32 bytes

  Blob seal(std::string_view text, const SealedPlace& place) const;
  // `internal` when the bytes were not sealed for this place under this key; which of these is not told
  // apart.
  Result<std::string> open(const Blob& sealed, const SealedPlace& place) const;

 private:
  SecretString key_;
};

}  // namespace deputy::storage
