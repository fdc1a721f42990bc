#include "core/hmac.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string>

#include "core/assert.hpp"

namespace deputy {
namespace {

EVP_MAC* algorithm() {
  static EVP_MAC* const fetched = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  return fetched;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

HmacSha256::HmacSha256() : context_(EVP_MAC_CTX_new(algorithm())) {
  std::string digest = "SHA256";
  const std::array parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), digest.size()),
      OSSL_PARAM_construct_end()};
  DEPUTY_ASSERT(context_ != nullptr && EVP_MAC_CTX_set_params(context_, parameters.data()) == 1);
}

HmacSha256::~HmacSha256() {
  EVP_MAC_CTX_free(context_);
}

void HmacSha256::compute(std::string_view key, std::string_view message, Code& out) {
  // Without a pointer EVP_MAC_init keeps the key that it has: an empty key is one as well.
  const auto* const key_bytes = bytes_of(key.data() == nullptr ? std::string_view{""} : key);
  std::size_t size = 0;
  const bool done =
      EVP_MAC_init(context_, key_bytes, key.size(), nullptr) == 1 &&
      EVP_MAC_update(context_, bytes_of(message), message.size()) == 1 &&
      EVP_MAC_final(context_, reinterpret_cast<unsigned char*>(out.data()), &size, out.size()) == 1;
  DEPUTY_ASSERT(done && size == out.size());
}

}  // namespace deputy
