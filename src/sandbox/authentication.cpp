#include "sandbox/authentication.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "aws/sigv4.hpp"
#include "core/ascii.hpp"

namespace deputy::sandbox {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t signed_headers_max = 64;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Fault incomplete(std::string message) {
  return {400, "IncompleteSignature", std::move(message)};
}

// ── Each protocol's name for the same fault
// ──────────────────────────────────────────────────────────────────────────────────────────

Fault unknown_key(Protocol protocol) {
  switch (protocol) {
    case Protocol::s3:
      return {403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."};
    case Protocol::json:
      return {400, "UnrecognizedClientException", "The security token included in the request is invalid."};
    case Protocol::query:
      break;
  }
  return {403, "InvalidClientTokenId", "The security token included in the request is invalid."};
}

Fault wrong_token(Protocol protocol) {
  if (protocol == Protocol::s3)
    return {400, "InvalidToken", "The provided token is malformed or otherwise invalid."};
  return unknown_key(protocol);
}

Fault expired_token(Protocol protocol) {
  switch (protocol) {
    case Protocol::s3:
      return {400, "ExpiredToken", "The provided token has expired."};
    case Protocol::json:
      return {400, "ExpiredTokenException", "The security token included in the request is expired"};
    case Protocol::query:
      break;
  }
  return {403, "ExpiredToken", "The security token included in the request is expired"};
}

Fault wrong_signature(Protocol protocol, std::string why) {
  if (protocol == Protocol::json) return {400, "InvalidSignatureException", std::move(why)};
  return {403, "SignatureDoesNotMatch", std::move(why)};
}

Fault skewed(Protocol protocol, std::string_view sent, std::string_view now) {
  if (protocol == Protocol::s3)
    return {403, "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large."};
  const std::string_view side = sent < now ? "expired" : "not yet current";
  return wrong_signature(protocol, fmt::format("Signature {}: {} is too far from {}", side, sent, now));
}

// ── What is signed
// ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

// `20261122T200642Z`
std::optional<Timestamp> parse_amz_date(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto time =
      parse_rfc3339(fmt::format("{}-{}-{}T{}:{}:{}Z", text.substr(0, 4), text.substr(4, 2), text.substr(6, 2),
                                text.substr(9, 2), text.substr(11, 2), text.substr(13, 2)));
  if (!time) return std::nullopt;
  return time.value();
}

std::optional<Fault> wrong_time(const World& world, const http::Request& request,
                                const SignatureClaims& claims, Protocol protocol) {
  const auto sent = request.headers.find("x-amz-date");
  if (!sent) return incomplete("The request must contain the header X-Amz-Date");
  const auto time = parse_amz_date(*sent);
  if (!time) return incomplete("Date must be in ISO-8601 'basic format'. Got " + in_backticks(*sent));
  if (claims.date != sent->substr(0, 8))
    return wrong_signature(
        protocol, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP");
  const auto skew_max = protocol == Protocol::s3 ? std::chrono::minutes{15} : std::chrono::minutes{5};
  const auto now = world.clock.now();
  if (*time > now + skew_max || *time < now - skew_max) return skewed(protocol, *sent, aws::amz_date(now));
  return std::nullopt;
}

// Any Region of the account's partition is good, for IAM too: AWS has IAM in one Region alone, but SDKs that
// are given an endpoint sign for the Region that they are set to.
std::optional<Fault> wrong_scope(const Account& account, const SignatureClaims& claims, Protocol protocol) {
  const auto region = Region::parse(claims.region);
  if (!region || region.value().partition() != account.partition)
    return wrong_signature(protocol, fmt::format("Credential should be scoped to a valid region, not {}.",
                                                 in_backticks(claims.region)));
  return std::nullopt;
}

// Everything that decides what the request does must be signed: the host and all `x-amz-` fields.
std::optional<Fault> unsigned_header(const http::Request& request, const SignatureClaims& claims,
                                     Protocol protocol) {
  const auto is_signed = [&](const std::string& name) {
    return std::ranges::find(claims.signed_headers, name) != claims.signed_headers.end();
  };
  if (!is_signed("host"))
    return wrong_signature(protocol,
                           "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  for (const auto& [name, value] : request.headers) {
    const std::string lowered = to_lower(name);
    if (lowered.starts_with("x-amz-") && !is_signed(lowered))
      return wrong_signature(protocol,
                             fmt::format("The header {} must be a 'SignedHeader' in the AWS Authorization.",
                                         in_backticks(lowered)));
  }
  return std::nullopt;
}

// The hash that goes into the canonical request.
Outcome<std::string> payload_hash(const http::Request& request, Protocol protocol) {
  const std::string actual = aws::sha256_hex(request.body);
  const auto claimed = request.headers.find("x-amz-content-sha256");
  if (!claimed) {
    if (protocol == Protocol::s3)
      return Fault{400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"};
    return actual;
  }
  if (protocol == Protocol::s3 && *claimed == "UNSIGNED-PAYLOAD") return std::string{*claimed};
  if (claimed->starts_with("STREAMING-"))
    return Fault{501, "NotImplemented",
                 "The sandbox does not take chunked (streaming) signatures: send the body in one piece."};
  if (*claimed != actual)
    return protocol == Protocol::s3
               ? Fault{400, "XAmzContentSHA256Mismatch",
                       "The provided 'x-amz-content-sha256' header does not match what was computed."}
               : wrong_signature(
                     protocol,
                     "The provided 'x-amz-content-sha256' header does not match what was computed.");
  return actual;
}

Outcome<void> verify_signature(const http::Request& request, const SignatureClaims& claims,
                               const SecretString& secret) {
  const Protocol protocol = protocol_of(claims.service);
  DEPUTY_TRY(const std::string hash, payload_hash(request, protocol));
  aws::SignableRequest signable{.method = request.method,
                                .path = request.target.substr(0, request.target.find('?')),
                                .query = request.query,
                                .headers = {},
                                .body = request.body};
  for (const std::string& name : claims.signed_headers) {
    std::string joined;
    bool present = false;
    for (const auto& [field, value] : request.headers) {
      if (to_lower(field) != name) continue;
      if (present) joined += ',';
      joined += trim(value);
      present = true;
    }
    if (!present)
      return wrong_signature(protocol,
                             fmt::format("The signed header {} is not in the request.", in_backticks(name)));
    signable.headers.emplace_back(name, std::move(joined));
  }
  const auto time = parse_amz_date(*request.headers.find("x-amz-date"));
  const aws::SigningScope scope{.region = claims.region, .service = claims.service, .time = *time};
  const auto style =
      protocol == Protocol::s3 ? aws::PathStyle::as_sent : aws::PathStyle::normalized_twice_encoded;
  const std::string expected = aws::signature(
      scope, secret, aws::string_to_sign(scope, aws::canonical_request(signable, hash, style)));
  if (equal_in_constant_time(expected, claims.signature)) return success();
  return wrong_signature(
      protocol,
      "The request signature we calculated does not match the signature you provided. Check your AWS "
      "Secret Access Key and signing method. Consult the service documentation for details.");
}

// ── Whose key
// ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

struct Key {
  const SecretString* secret;
  Caller caller;
};

Outcome<Key> session_key(World& world, const http::Request& request, const SignatureClaims& claims,
                         Protocol protocol) {
  auto session = world.sessions.find(claims.access_key_id);
  if (!session) return unknown_key(protocol);
  const auto token = request.headers.find("x-amz-security-token");
  if (!token || !equal_in_constant_time(session->token.reveal(), *token)) return wrong_token(protocol);
  // A session lives only as long as its role: one that was deleted, or made anew under the same name, does
  // not count.
  auto role = world.seen_role(session->account, session->role_name);
  if (!role || role->unique_id != session->role_unique_id) return unknown_key(protocol);
  Caller caller;
  caller.account = world.find_account(session->account);
  caller.arn =
      caller.account->arn("sts", fmt::format("assumed-role/{}/{}", session->role_name, session->name));
  caller.user_id = fmt::format("{}:{}", session->role_unique_id, session->name);
  caller.role = std::move(role);
  caller.session = session;
  return Key{&caller.session->secret, std::move(caller)};
}

Outcome<Key> user_key(World& world, const http::Request& request, const SignatureClaims& claims,
                      Protocol protocol) {
  const auto key = world.access_keys.find(claims.access_key_id);
  if (key == world.access_keys.end()) return unknown_key(protocol);
  if (request.headers.find("x-amz-security-token")) return wrong_token(protocol);
  Caller caller;
  caller.account = world.find_account(key->second.account);
  caller.user = &caller.account->users.find(key->second.user)->second;
  caller.arn = caller.user->arn;
  caller.user_id = caller.user->unique_id;
  return Key{&key->second.secret, std::move(caller)};
}

}  // namespace

Protocol protocol_of(std::string_view service) {
  if (service == "s3") return Protocol::s3;
  return service == "logs" ? Protocol::json : Protocol::query;
}

Outcome<SignatureClaims> read_claims(const http::Request& request) {
  if (request.query.find("X-Amz-Signature") != std::string::npos)
    return Fault{400, "InvalidRequest",
                 "The sandbox does not take presigned URLs: sign with the Authorization header."};
  const auto header = request.headers.find("authorization");
  if (!header) return Fault{403, "MissingAuthenticationToken", "Missing Authentication Token"};
  if (request.headers.count("authorization") != 1 || request.headers.count("x-amz-date") > 1 ||
      request.headers.count("x-amz-security-token") > 1 || request.headers.count("host") != 1)
    return incomplete("Authorization, Host, X-Amz-Date and X-Amz-Security-Token must not be repeated.");
  if (!header->starts_with(algorithm) || header->size() <= algorithm.size() ||
      (*header)[algorithm.size()] != ' ')
    return incomplete("Unsupported AWS 'algorithm': only AWS4-HMAC-SHA256 is taken.");

  SignatureClaims claims;
  std::string credential, signed_headers;
  for (const std::string_view part : split(header->substr(algorithm.size()), ',')) {
    const std::string_view field = trim(part);
    const std::size_t equals = field.find('=');
    const std::string_view name = field.substr(0, equals);
    std::string* const target = name == "Credential"      ? &credential
                                : name == "SignedHeaders" ? &signed_headers
                                : name == "Signature"     ? &claims.signature
                                                          : nullptr;
    if (equals == std::string_view::npos || !target || !target->empty())
      return incomplete(
          "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature', once each.");
    *target = field.substr(equals + 1);
  }
  const auto scope = split(credential, '/');
  if (scope.size() != 5 || scope[4] != "aws4_request" || claims.signature.size() != 64 ||
      signed_headers.empty())
    return incomplete(
        "Credential must have exactly 5 slash-delimited elements, e.g. "
        "keyid/date/region/service/aws4_request.");
  claims.access_key_id = scope[0];
  claims.date = scope[1];
  claims.region = scope[2];
  claims.service = scope[3];
  for (const std::string_view name : split(signed_headers, ';'))
    claims.signed_headers.push_back(to_lower(name));
  if (claims.signed_headers.size() > signed_headers_max)
    return incomplete("There are more than 64 SignedHeaders.");
  return claims;
}

Outcome<Caller> authenticate(World& world, const http::Request& request, const SignatureClaims& claims) {
  const Protocol protocol = protocol_of(claims.service);
  DEPUTY_TRY(Key key, claims.access_key_id.starts_with("ASIA") ? session_key(world, request, claims, protocol)
                                                               : user_key(world, request, claims, protocol));
  if (auto fault = wrong_time(world, request, claims, protocol)) return *std::move(fault);
  if (auto fault = wrong_scope(*key.caller.account, claims, protocol)) return *std::move(fault);
  if (auto fault = unsigned_header(request, claims, protocol)) return *std::move(fault);
  DEPUTY_TRY(verify_signature(request, claims, *key.secret));
  if (key.caller.session && key.caller.session->expires_at <= world.clock.now())
    return expired_token(protocol);
  return std::move(key.caller);
}

}  // namespace deputy::sandbox
