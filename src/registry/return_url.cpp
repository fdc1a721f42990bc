#include "registry/return_url.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <optional>

#include "core/ascii.hpp"

namespace deputy::registry {
namespace {

constexpr std::size_t length_max = 2'000;

Error wrong(std::string_view what) {
  return Error{ErrorKind::invalid_request, "the address " + std::string{what}};
}

bool is_plain(char c) {
  return c > ' ' && c < '\x7f' && std::string_view{"\"'<>\\^`{}|#"}.find(c) == std::string_view::npos;
}

bool is_host_name(std::string_view host) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  return !host.empty() && host.size() <= 253 && host.front() != '.' && host.front() != '-' &&
         host.find("..") == std::string_view::npos && std::ranges::all_of(host, allowed);
}

// The names under which a machine speaks to itself.
bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

std::optional<unsigned> port_of(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65'535)
    return std::nullopt;
  return port;
}

// `.` and `..` in any spelling, and escapes that hide a delimiter.
bool has_tricks(std::string_view path) {
  const std::string lower = to_lower(path);
  for (const std::string_view escape : {"%2e", "%2f", "%5c", "%00"})
    if (lower.find(escape) != std::string::npos) return true;
  std::string_view rest = lower;
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the slash
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (segment == "." || segment == "..") return true;
    rest.remove_prefix(segment.size());
  }
  return false;
}

}  // namespace

Result<ReturnUrl> ReturnUrl::parse(std::string_view text) {
  if (text.empty() || text.size() > length_max) return wrong("must have 1 to 2,000 characters");
  if (!std::ranges::all_of(text, is_plain))
    return wrong("has a character that does not belong into one, or a fragment");
  const std::size_t divider = text.find("://");
  const std::string scheme = to_lower(text.substr(0, divider == std::string_view::npos ? 0 : divider));
  if (scheme != "https" && scheme != "http") return wrong("must begin with https://");
  const std::string_view rest = text.substr(divider + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  const std::string_view tail = rest.substr(authority.size());
  const bool bracketed = authority.starts_with('[');
  const std::size_t host_end = bracketed ? authority.find(']') + 1 : authority.find(':');
  const std::string host = to_lower(authority.substr(0, host_end));
  if (!(bracketed ? host == "[::1]" : is_host_name(host))) return wrong("has no plain host name");
  unsigned port = scheme == "https" ? 443 : 80;
  if (host.size() < authority.size()) {
    const auto given =
        authority[host.size()] == ':' ? port_of(authority.substr(host.size() + 1)) : std::nullopt;
    if (!given) return wrong("has a port that is none");
    port = *given;
  }
  if (scheme == "http" && !is_loopback(host))
    return wrong("must begin with https://; only this machine may be http");
  ReturnUrl url;
  url.text_ = std::string{text};
  url.origin_ = fmt::format("{}://{}:{}", scheme, host, port);
  url.path_ = std::string{tail.substr(0, tail.find('?'))};
  if (url.path_.empty()) url.path_ = "/";
  if (has_tricks(url.path_)) return wrong("has a path that other programs could read differently");
  return url;
}

bool ReturnUrl::lies_within(const ReturnUrl& allowed) const {
  if (origin_ != allowed.origin_ || !path_.starts_with(allowed.path_)) return false;
  return path_.size() == allowed.path_.size() || allowed.path_.ends_with('/') ||
         path_[allowed.path_.size()] == '/';
}

Result<std::string> allowed_return_url(std::string_view text, std::span<const ReturnUrl> allowed) {
  auto url = ReturnUrl::parse(text);
  if (!url) return std::move(url.error()).with_field("return_url");
  const auto admits = [&](const ReturnUrl& one) { return url.value().lies_within(one); };
  if (!std::ranges::any_of(allowed, admits))
    return Error{ErrorKind::invalid_request,
                 "`return_url` is not within any of the addresses of `connect.return_urls`"}
        .with_field("return_url");
  return url.value().text();
}

}  // namespace deputy::registry
