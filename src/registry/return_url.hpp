#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace deputy::registry {

// An address that the connect page may lead back to: https, or http to this machine; without user, fragment,
// escapes of slashes and dots, `.` or `..` segments, and any character that a page, a header field or another
// program could read differently. 1–2,000 bytes of ASCII.
class ReturnUrl {
 public:
  // `invalid_request`.
  static Result<ReturnUrl> parse(std::string_view text);

  const std::string& text() const { return text_; }
  // The same scheme, host and port, and a path that is `allowed`'s or lies below it, at a segment's border.
  // The query is free.
  bool lies_within(const ReturnUrl& allowed) const;

 private:
  ReturnUrl() = default;
  std::string text_;
  std::string origin_;  // `https://host:port`, lower case, always with its port
  std::string path_;    // begins with `/`
};

// The address as it may be used; `invalid_request` with field `return_url` unless it lies within one of
// these.
Result<std::string> allowed_return_url(std::string_view text, std::span<const ReturnUrl> allowed);

}  // namespace deputy::registry
