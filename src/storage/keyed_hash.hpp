#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

#include "core/secret.hpp"
#include "storage/value.hpp"

namespace deputy::storage {

// A keyed hash (BLAKE2b with a 32-byte key, RFC 7693; libsodium's crypto_generichash): without the key nobody
// can compute, check or predict one. Thread-safe.
class KeyedHash {
 public:
  static constexpr std::size_t bytes = 32;

  explicit KeyedHash(SecretString key);  // REQUIRES: 32 bytes

  Blob of_bytes(std::string_view text) const;
  // Over the texts' unambiguous encoding.
  Blob of(std::initializer_list<std::string_view> texts) const;

 private:
  SecretString key_;
};

}  // namespace deputy::storage
