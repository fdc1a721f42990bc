#pragma once

#include <array>
#include <cstddef>
#include <string_view>

struct evp_mac_ctx_st;

namespace deputy {

// HMAC-SHA-256 (RFC 2104) by OpenSSL, which uses the processor's instructions for SHA-256 where it has them.
// To look the algorithm up is dearer than to compute it: make one, and use it for all that comes together. By
// one thread at a time. The last key stays in it until the next one, and is wiped with it.
class HmacSha256 {
 public:
  using Code = std::array<std::byte, 32>;

  HmacSha256();
  HmacSha256(const HmacSha256&) = delete;
  HmacSha256& operator=(const HmacSha256&) = delete;
  ~HmacSha256();

  // Into `out`, so that whoever wipes a code knows that there is one of it.
  void compute(std::string_view key, std::string_view message, Code& out);

 private:
  evp_mac_ctx_st* context_;
};

}  // namespace deputy
