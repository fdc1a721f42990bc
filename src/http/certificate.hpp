#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/file_descriptor.hpp"
#include "core/result.hpp"
#include "http/channel.hpp"

namespace deputy::http {

// PEM: the server's certificate, with the intermediate ones after it, and its private key.
struct CertificateFiles {
  std::filesystem::path certificate;
  std::filesystem::path key;
};

// What keeps the pair from being used, a line each: missing or unreadable, of the wrong form, of different
// keys, expired or not valid yet, a key that everybody on the machine can read. Reads the files.
std::vector<std::string> problems_of(const CertificateFiles& files);

// A pair that can be used, and the server's side of TLS with it: TLS 1.2 with forward secrecy and
// authenticated ciphers, or 1.3; HTTP/1.1 by ALPN; no compression, no renegotiation, no early data. Clients
// resume by sessions that are kept here, an hour and 4,096 of them at most, so that no key opens what was
// recorded. Cannot be changed; connections keep the one that they began with. Thread-safe.
class Certificate {
 public:
  // `invalid_request` with the first of its problems.
  static Result<std::shared_ptr<const Certificate>> load(const CertificateFiles& files);
  ~Certificate();
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  std::unique_ptr<Channel> channel(FileDescriptor connection) const;
  std::int64_t expires_at() const;  // Unix time

 private:
  struct State;
  explicit Certificate(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace deputy::http
