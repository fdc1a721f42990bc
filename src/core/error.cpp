#include "core/error.hpp"

#include <fmt/format.h>

#include "core/assert.hpp"

namespace deputy {

std::string_view code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_request:
      return "invalid_request";
    case ErrorKind::unknown_field:
      return "unknown_field";
    case ErrorKind::external_id_not_settable:
      return "external_id_not_settable";
    case ErrorKind::role_arn_invalid:
      return "role_arn_invalid";
    case ErrorKind::role_arn_forbidden:
      return "role_arn_forbidden";
    case ErrorKind::integration_too_broad:
      return "integration_too_broad";
    case ErrorKind::unauthorized:
      return "unauthorized";
    case ErrorKind::forbidden:
      return "forbidden";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::method_not_allowed:
      return "method_not_allowed";
    case ErrorKind::not_acceptable:
      return "not_acceptable";
    case ErrorKind::unsupported_media_type:
      return "unsupported_media_type";
    case ErrorKind::conflict:
      return "conflict";
    case ErrorKind::idempotency_conflict:
      return "idempotency_conflict";
    case ErrorKind::connection_not_active:
      return "connection_not_active";
    case ErrorKind::connection_disconnected:
      return "connection_disconnected";
    case ErrorKind::verification_expired:
      return "verification_expired";
    case ErrorKind::role_denied:
      return "role_denied";
    case ErrorKind::payload_too_large:
      return "payload_too_large";
    case ErrorKind::account_mismatch:
      return "account_mismatch";
    case ErrorKind::rate_limited:
      return "rate_limited";
    case ErrorKind::internal:
      return "internal";
    case ErrorKind::upstream_throttled:
      return "upstream_throttled";
    case ErrorKind::upstream_unavailable:
      return "upstream_unavailable";
    case ErrorKind::overloaded:
      return "overloaded";
  }
  DEPUTY_ASSERT(false);
}

std::string in_backticks(std::string_view text) {
  constexpr std::size_t bytes_max = 80;
  std::string out = "`";
  for (const char c : text.substr(0, bytes_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '`') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", byte);
    }
  }
  out += text.size() > bytes_max ? "…`" : "`";
  return out;
}

}  // namespace deputy
