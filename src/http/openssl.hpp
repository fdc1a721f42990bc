#pragma once

#include <memory>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string>

// Owners of OpenSSL's things. For this room's .cpp files.
namespace deputy::http::openssl {

struct Free {
  void operator()(BIO* thing) const { BIO_free(thing); }
  void operator()(EVP_PKEY* thing) const { EVP_PKEY_free(thing); }
  void operator()(SSL* thing) const { SSL_free(thing); }
  void operator()(SSL_CTX* thing) const { SSL_CTX_free(thing); }
  void operator()(X509* thing) const { X509_free(thing); }
};
using Bio = std::unique_ptr<BIO, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Ssl = std::unique_ptr<SSL, Free>;
using Context = std::unique_ptr<SSL_CTX, Free>;
using X509Certificate = std::unique_ptr<X509, Free>;

// Why the last call failed, and forgets it.
inline std::string take_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string text = reason != nullptr ? reason : "no reason given";
  ERR_clear_error();
  return text;
}

}  // namespace deputy::http::openssl
