#include "connect/visit.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sodium.h>

namespace deputy::connect {
namespace {

constexpr std::size_t secret_length = 52;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

bool may_be_secret(std::string_view text) {
  return text.size() == secret_length &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); });
}

std::string cookie_name(const ConnectSessionId& session, bool https) {
  return (https ? "__Host-deputy_" : "deputy_") + session.text();
}

std::string set_cookie(const ConnectSessionId& session, const SecretString& secret, std::chrono::seconds life,
                       bool https) {
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{}", cookie_name(session, https),
                     secret.reveal(), std::max<std::int64_t>(life.count(), 0), https ? "; Secure" : "");
}

std::optional<SecretString> secret_in_cookies(const http::Headers& headers, const ConnectSessionId& session,
                                              bool https) {
  const std::string wanted = cookie_name(session, https);
  std::optional<SecretString> found;
  for (const auto& [field, value] : headers) {
    if (!http::equal_without_case(field, "cookie")) continue;
    for (std::string_view rest = value; !rest.empty();) {
      const std::string_view pair = trimmed(rest.substr(0, rest.find(';')));
      rest.remove_prefix(
          std::min(rest.size(), rest.find(';') == std::string_view::npos ? rest.size() : rest.find(';') + 1));
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != wanted) continue;
      SecretString secret{pair.substr(equals + 1)};
      if (!may_be_secret(secret.reveal()) || (found && !(*found == secret))) return std::nullopt;
      found = std::move(secret);
    }
  }
  return found;
}

std::string csrf_token(const SecretString& secret, const ConnectSessionId& session) {
  constexpr std::string_view purpose = "deputy connect csrf 1 ";
  const std::string text = std::string{purpose} + session.text();
  unsigned char mac[crypto_generichash_BYTES];
  crypto_generichash(mac, sizeof mac, reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     reinterpret_cast<const unsigned char*>(secret.reveal().data()), secret.size());
  std::string hex(2 * sizeof mac + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), mac, sizeof mac);
  hex.pop_back();  // the NUL
  return hex;
}

std::string_view origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  return url.substr(0, url.find('/', scheme + 3));
}

bool may_be_ours(const http::Headers& headers, std::string_view own_origin) {
  if (headers.count("Sec-Fetch-Site") > 1 || headers.count("Origin") > 1) return false;
  if (const auto site = headers.find("Sec-Fetch-Site")) return *site == "same-origin";
  const auto origin = headers.find("Origin");
  return !origin || *origin == "null" || http::equal_without_case(*origin, own_origin);
}

}  // namespace deputy::connect
