#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace deputy {

// What went wrong, in the words of the HTTP API (shared by every interface). `code_of` gives the stable text.
enum class ErrorKind {
  invalid_request,
  unknown_field,
  external_id_not_settable,
  role_arn_invalid,
  role_arn_forbidden,
  integration_too_broad,
  unauthorized,
  forbidden,
  not_found,
  method_not_allowed,
  not_acceptable,
  unsupported_media_type,
  conflict,
  idempotency_conflict,
  connection_not_active,
  connection_disconnected,
  verification_expired,
  role_denied,
  payload_too_large,
  account_mismatch,
  rate_limited,
  internal,
  upstream_throttled,
  upstream_unavailable,
  overloaded,
};

// The stable code of an error, as in problem documents: `role_arn_invalid`. Static storage.
std::string_view code_of(ErrorKind kind);

// An expected failure. `message` may be shown to whoever asked: lower case, one line, what is wrong and what
// would be right, user input in backticks and clipped (see `in_backticks`). `detail` is for the operator's
// log alone and never leaves the process. Neither may carry a secret.
struct [[nodiscard]] Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  std::string detail;
  std::string field;                                // the request's member at fault, as a path; empty if none
  std::optional<std::chrono::seconds> retry_after;  // when trying again makes sense

  Error(ErrorKind kind_, std::string message_, std::string detail_ = {})
      : kind(kind_), message(std::move(message_)), detail(std::move(detail_)) {}

  Error with_field(std::string name) && {
    field = std::move(name);
    return std::move(*this);
  }
  Error with_retry_after(std::chrono::seconds after) && {
    retry_after = after;
    return std::move(*this);
  }
};

// `text` in backticks, control and non-ASCII bytes as \xNN, clipped to 80 bytes: safe in a message, a log
// line, a terminal.
std::string in_backticks(std::string_view text);

}  // namespace deputy
