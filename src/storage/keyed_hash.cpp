#include "storage/keyed_hash.hpp"

#include <sodium.h>

#include "core/assert.hpp"
#include "storage/encoding.hpp"

namespace deputy::storage {

KeyedHash::KeyedHash(SecretString key) : key_(std::move(key)) {
  static_assert(bytes == crypto_generichash_BYTES && bytes == crypto_generichash_KEYBYTES);
  DEPUTY_ASSERT(key_.size() == bytes);
}

Blob KeyedHash::of_bytes(std::string_view text) const {
  Blob hash{std::string(bytes, '\0')};
  const std::string_view key = key_.reveal();
  const int result =
      crypto_generichash(reinterpret_cast<unsigned char*>(hash.bytes.data()), hash.bytes.size(),
                         reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                         reinterpret_cast<const unsigned char*>(key.data()), key.size());
  DEPUTY_ASSERT(result == 0);
  return hash;
}

Blob KeyedHash::of(std::initializer_list<std::string_view> texts) const {
  std::string bytes_of_all = encoded(texts);
  Blob hash = of_bytes(bytes_of_all);
  wipe(bytes_of_all);
  return hash;
}

}  // namespace deputy::storage
