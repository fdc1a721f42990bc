#include <charconv>
#include <fmt/format.h>

#include "policy/policy.hpp"

namespace deputy::policy {
namespace {

constexpr std::size_t decoded_bytes_max = std::size_t{64} * 1024;
constexpr std::size_t encoded_bytes_max = 3 * decoded_bytes_max;  // every byte as %XX

bool is_bare(std::string_view document) {
  const std::size_t first = document.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && document[first] == '{';
}

std::optional<char> decode_byte(std::string_view hex) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
  if (hex.size() != 2 || error != std::errc{} || end != hex.data() + 2) return std::nullopt;
  return static_cast<char>(static_cast<unsigned char>(value));
}

}  // namespace

Result<std::string> decode_document(std::string_view document) {
  if (document.size() > encoded_bytes_max) {
    return Error{ErrorKind::payload_too_large,
                 fmt::format("the policy document is larger than {} bytes", decoded_bytes_max)};
  }
  if (document.starts_with("\xef\xbb\xbf"))
    return Error{ErrorKind::invalid_request,
                 "it begins with a byte order mark, which IAM does not take; save it as UTF-8 without one"};
  if (is_bare(document)) return std::string{document};
  std::string out;
  out.reserve(document.size());
  for (std::size_t i = 0; i < document.size(); ++i) {
    if (document[i] != '%') {
      out += document[i];
      continue;
    }
    const auto byte = decode_byte(document.substr(i + 1, 2));
    if (!byte) {
      return Error{
          ErrorKind::invalid_request,
          fmt::format(
              "the URL-encoded policy has a broken escape at byte {}; `%` needs two hexadecimal digits", i)};
    }
    out += *byte;
    i += 2;
  }
  return out;
}

}  // namespace deputy::policy
