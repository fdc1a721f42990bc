#include "storage/sealing.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include "core/assert.hpp"
#include "storage/encoding.hpp"

namespace deputy::storage {

namespace {

constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

std::string associated_data(const SealedPlace& place) {
  return encoded(
      {"deputy sealed value 1", place.table, place.column, place.row, place.connection, place.tenant});
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Sealer::Sealer(SecretString key) : key_(std::move(key)) {
  DEPUTY_ASSERT(key_.size() == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
}

Blob Sealer::seal(std::string_view text, const SealedPlace& place) const {
  const std::string data = associated_data(place);
  Blob sealed{std::string(nonce_bytes + text.size() + tag_bytes, '\0')};
  auto* const out = reinterpret_cast<unsigned char*>(sealed.bytes.data());
  randombytes_buf(out, nonce_bytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(out + nonce_bytes, nullptr, bytes_of(text), text.size(),
                                             bytes_of(data), data.size(), nullptr, out,
                                             bytes_of(key_.reveal()));
  return sealed;
}

Result<std::string> Sealer::open(const Blob& sealed, const SealedPlace& place) const {
  const auto refuse = [&] {
    return Error{
        ErrorKind::internal, "a stored value is not authentic",
        fmt::format("sealed value {}.{} of {} does not open: edited, moved, or of another master key",
                    place.table, place.column, in_backticks(place.row))};
  };
  if (sealed.bytes.size() < nonce_bytes + tag_bytes) return refuse();
  const std::string data = associated_data(place);
  const std::string_view all = sealed.bytes;
  const std::string_view cipher = all.substr(nonce_bytes);
  std::string text(cipher.size() - tag_bytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(text.data()), nullptr,
                                                 nullptr, bytes_of(cipher), cipher.size(), bytes_of(data),
                                                 data.size(), bytes_of(all), bytes_of(key_.reveal())) != 0)
    return refuse();
  return text;
}

}  // namespace deputy::storage
