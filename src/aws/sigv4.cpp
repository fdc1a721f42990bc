#include "aws/sigv4.hpp"

#include <algorithm>
#include <array>
#include <fmt/compile.h>
#include <fmt/format.h>
#include <map>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "core/ascii.hpp"
#include "core/hmac.hpp"

namespace deputy::aws {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

using Digest = HmacSha256::Code;

// A step of the key's derivation: whoever has one can sign, so it does not outlive the signature.
struct DerivedKey {
  Digest bytes{};
  DerivedKey(HmacSha256& hmac, std::string_view key, std::string_view message) {
    hmac.compute(key, message, bytes);
  }
  DerivedKey(const DerivedKey&) = delete;
  DerivedKey& operator=(const DerivedKey&) = delete;
  ~DerivedKey() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

std::string to_hex(const Digest& digest) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(digest.size() * 2);
  for (const std::byte byte : digest) {
    text += digits[std::to_integer<std::size_t>(byte) >> 4U];
    text += digits[std::to_integer<std::size_t>(byte) & 0xfU];
  }
  return text;
}

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A `%` that no two hexadecimal digits follow stands for itself.
std::string percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      decoded += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

template <class Visit>
void split(std::string_view text, char separator, Visit visit) {
  while (true) {
    const std::size_t end = text.find(separator);
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

// RFC 3986, 5.2.4, and repeated slashes become one, as AWS's signers have it.
std::string normalize(std::string_view path) {
  std::vector<std::string_view> segments;
  split(path, '/', [&segments](std::string_view segment) {
    if (segment.empty() || segment == ".") return;
    if (segment != "..") {
      segments.push_back(segment);
    } else if (!segments.empty()) {
      segments.pop_back();
    }
  });
  std::string normalized;
  for (const std::string_view segment : segments) normalized.append("/").append(segment);
  if (normalized.empty() || path.ends_with('/')) normalized += '/';
  return normalized;
}

std::string canonical_path(std::string_view path, PathStyle style) {
  if (path.empty()) return "/";
  if (style == PathStyle::as_sent) return std::string{path};
  return uri_encode(normalize(path), true);
}

// Decoded and encoded again, so that what is equal on the wire is equal here, and sorted by encoded name,
// then value.
std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  split(query, '&', [&parameters](std::string_view parameter) {
    if (parameter.empty()) return;
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    const std::string_view value = parameter.substr(std::min(equals + 1, parameter.size()));
    parameters.emplace_back(uri_encode(percent_decode(parameter.substr(0, equals)), false),
                            uri_encode(percent_decode(value), false));
  });
  std::ranges::sort(parameters);
  std::string canonical;
  for (const auto& [name, value] : parameters) {
    if (!canonical.empty()) canonical += '&';
    canonical.append(name).append("=").append(value);
  }
  return canonical;
}

// Without white space at the ends; a run of it within becomes one space.
std::string trim_all(std::string_view value) {
  constexpr std::string_view white = " \t\r\n\v\f";
  std::string trimmed;
  for (std::size_t at = value.find_first_not_of(white); at != std::string_view::npos;) {
    const std::size_t end = std::min(value.find_first_of(white, at), value.size());
    if (!trimmed.empty()) trimmed += ' ';
    trimmed.append(value.substr(at, end - at));
    at = value.find_first_not_of(white, end);
  }
  return trimmed;
}

// By lower-case name; the values of a name that comes more than once are joined in their order.
std::map<std::string, std::string> canonical_headers(const SignableRequest& request) {
  std::map<std::string, std::string> canonical;
  for (const auto& [name, value] : request.headers) {
    const auto [entry, is_new] = canonical.try_emplace(to_lower(name), trim_all(value));
    if (!is_new) entry->second.append(",").append(trim_all(value));
  }
  return canonical;
}

std::string signed_headers(const std::map<std::string, std::string>& headers) {
  std::string names;
  for (const auto& [name, value] : headers) {
    if (!names.empty()) names += ';';
    names += name;
  }
  return names;
}

std::string credential_scope(const SigningScope& scope) {
  return fmt::format("{}/{}/{}/aws4_request", amz_date(scope.time).substr(0, 8), scope.region, scope.service);
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  Digest digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return to_hex(digest);
}

std::string amz_date(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - day)};
  return fmt::format(FMT_COMPILE("{:04}{:02}{:02}T{:02}{:02}{:02}Z"), static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string uri_encode(std::string_view text, bool keep_slash) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slash && c == '/')) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += digits[byte >> 4U];
      encoded += digits[byte & 0xfU];
    }
  }
  return encoded;
}

std::string canonical_request(const SignableRequest& request, std::string_view payload_hash,
                              PathStyle style) {
  const auto headers = canonical_headers(request);
  std::string canonical = fmt::format("{}\n{}\n{}\n", request.method, canonical_path(request.path, style),
                                      canonical_query(request.query));
  for (const auto& [name, value] : headers) canonical.append(name).append(":").append(value).append("\n");
  return canonical.append("\n").append(signed_headers(headers)).append("\n").append(payload_hash);
}

std::string string_to_sign(const SigningScope& scope, std::string_view canonical_request) {
  return fmt::format("{}\n{}\n{}\n{}", algorithm, amz_date(scope.time), credential_scope(scope),
                     sha256_hex(canonical_request));
}

std::string signature(const SigningScope& scope, const SecretString& secret_access_key,
                      std::string_view string_to_sign) {
  std::string prefixed;
  prefixed.reserve(4 + secret_access_key.size());  // else growing would leave an unwiped copy behind
  prefixed.append("AWS4").append(secret_access_key.reveal());
  const SecretString root = SecretString::take(prefixed);

  HmacSha256 hmac;
  const DerivedKey date{hmac, root.reveal(), amz_date(scope.time).substr(0, 8)};
  const DerivedKey region{hmac, date.view(), scope.region};
  const DerivedKey service{hmac, region.view(), scope.service};
  const DerivedKey signing{hmac, service.view(), "aws4_request"};
  Digest digest{};
  hmac.compute(signing.view(), string_to_sign, digest);
  return to_hex(digest);
}

std::vector<std::pair<std::string, std::string>> sign(const SignableRequest& request,
                                                      const SigningScope& scope,
                                                      const Credentials& credentials, PathStyle style) {
  const std::string payload_hash = sha256_hex(request.body);
  std::vector<std::pair<std::string, std::string>> added{{"x-amz-date", amz_date(scope.time)}};
  if (!credentials.session_token.empty()) {
    added.emplace_back("x-amz-security-token", std::string{credentials.session_token.reveal()});
  }
  if (style == PathStyle::as_sent) added.emplace_back("x-amz-content-sha256", payload_hash);

  SignableRequest whole = request;
  whole.headers.insert(whole.headers.end(), added.begin(), added.end());
  const std::string text = string_to_sign(scope, canonical_request(whole, payload_hash, style));
  added.emplace_back(
      "authorization",
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", algorithm, credentials.access_key_id,
                  credential_scope(scope), signed_headers(canonical_headers(whole)),
                  signature(scope, credentials.secret_access_key, text)));
  return added;
}

}  // namespace deputy::aws
