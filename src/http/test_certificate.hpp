#pragma once

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string>

#include "http/certificate.hpp"
#include "http/openssl.hpp"

// Certificates for tests, made by the test that needs them.
namespace deputy::http {

struct PairWish {
  std::string name = "localhost";
  long not_before = 0;     // seconds from now
  long not_after = 3'600;  // seconds from now
};

inline openssl::Key draw_key() {
  return openssl::Key{EVP_EC_gen("P-256")};
}

// Signed by itself, for `localhost` and 127.0.0.1.
inline openssl::X509Certificate make_certificate(EVP_PKEY* key, const PairWish& wish) {
  openssl::X509Certificate made{X509_new()};
  X509_set_version(made.get(), 2);
  static long serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), wish.not_before);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), wish.not_after);
  X509_set_pubkey(made.get(), key);
  X509_NAME* const name = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(wish.name.c_str()), -1, -1, 0);
  X509_set_issuer_name(made.get(), name);
  X509_EXTENSION* const names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  X509_add_ext(made.get(), names, -1);
  X509_EXTENSION_free(names);
  X509_sign(made.get(), key, EVP_sha256());
  return made;
}

inline std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

inline void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream{file} << text;
  std::filesystem::permissions(file,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

inline void write_key(const std::filesystem::path& file, EVP_PKEY* key) {
  const openssl::Bio bio{BIO_new(BIO_s_mem())};
  ASSERT_EQ(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr), 1);
  write_file(file, text_of(bio.get()));
}

inline void write_certificate(const std::filesystem::path& file, X509* certificate) {
  const openssl::Bio bio{BIO_new(BIO_s_mem())};
  ASSERT_EQ(PEM_write_bio_X509(bio.get(), certificate), 1);
  write_file(file, text_of(bio.get()));
}

// `cert.pem` and `key.pem` in the folder.
inline CertificateFiles write_pair(const std::filesystem::path& folder, const PairWish& wish = {}) {
  CertificateFiles files{folder / "cert.pem", folder / "key.pem"};
  const auto key = draw_key();
  write_key(files.key, key.get());
  write_certificate(files.certificate, make_certificate(key.get(), wish).get());
  return files;
}

}  // namespace deputy::http
