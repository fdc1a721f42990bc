#include "api/idempotency.hpp"

#include <algorithm>
#include <array>
#include <sodium.h>
#include <string>

#include "api/json_fields.hpp"

namespace deputy::api {
namespace {

constexpr std::string_view header_name = "Idempotency-Key";
constexpr std::size_t key_bytes_max = 255;

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::array<char, crypto_hash_sha256_BYTES * 2 + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), digest.size());
  return std::string{hex.data()};
}

}  // namespace

Result<std::optional<registry::Idempotency>> read_idempotency(const http::Request& request,
                                                              const KeyId& caller, const json::Value& body) {
  const auto given = request.headers.find(header_name);
  if (!given) return std::optional<registry::Idempotency>{};
  const bool printable = std::ranges::all_of(*given, [](char c) { return c >= 0x20 && c < 0x7f; });
  if (given->empty() || given->size() > key_bytes_max || !printable ||
      request.headers.count(header_name) != 1)
    return Error{ErrorKind::invalid_request,
                 "`Idempotency-Key` must be 1 to 255 printable ASCII characters, once"}
        .with_field(std::string{header_name});
  const std::string route = request.method + " " + request.path;
  return std::optional<registry::Idempotency>{registry::Idempotency{
      .scope = caller.text() + " " + route,
      .key = std::string{*given},
      .fingerprint = sha256_hex(route + "\n" + to_json(body, MemberOrder::sorted)),
  }};
}

}  // namespace deputy::api
