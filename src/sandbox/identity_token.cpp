#include "sandbox/identity_token.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <memory>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>

#include "json/reader.hpp"

namespace deputy::sandbox {
namespace {

constexpr int key_bits_min = 2048;
// Claims that AWS acts on and the sandbox does not: what it ignored it would make a success up.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp
constexpr std::string_view aws_claims = "https://aws.amazon.com/";

Fault invalid_token(std::string message) {
  return {400, "InvalidIdentityToken", std::move(message)};
}

constexpr const char* no_token = "The ID Token provided is not a valid JWT.";

std::optional<std::string> from_base64url(std::string_view text) {
  std::string bytes(text.size(), '\0');
  std::size_t size = 0;
  const int result =
      sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                        text.size(), nullptr, &size, nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  if (text.empty() || result != 0) return std::nullopt;
  bytes.resize(size);
  return bytes;
}

std::optional<json::Value> object_in(std::string_view part) {
  const auto bytes = from_base64url(part);
  if (!bytes) return std::nullopt;
  auto value = json::read(*bytes);
  if (!value || !value.value().is(json::Kind::object)) return std::nullopt;
  return std::move(value).value();
}

std::string text_of(const json::Value& object, std::string_view name) {
  const json::Value* const value = object.find(name);
  return value != nullptr && value->is(json::Kind::string) ? value->text : std::string{};
}

// `aud` may be one text or a list; of more than one AWS makes no choice.
std::string audience_of(const json::Value& claims) {
  if (auto party = text_of(claims, "azp"); !party.empty()) return party;
  const json::Value* const audience = claims.find("aud");
  if (audience == nullptr) return {};
  if (audience->is(json::Kind::string)) return audience->text;
  const bool is_one = audience->is(json::Kind::array) && audience->elements.size() == 1 &&
                      audience->elements[0].is(json::Kind::string);
  return is_one ? audience->elements[0].text : std::string{};
}

std::optional<Timestamp> time_of(const json::Value& claims, std::string_view name) {
  const json::Value* const value = claims.find(name);
  std::int64_t seconds = 0;
  if (value == nullptr || !value->is(json::Kind::number)) return std::nullopt;
  const char* const end = value->text.data() + value->text.size();
  if (std::from_chars(value->text.data(), end, seconds) != std::from_chars_result{end, std::errc{}} ||
      seconds < 0 || seconds > 100'000'000'000)
    return std::nullopt;
  return Timestamp{std::chrono::seconds{seconds}};
}

using PublicKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

PublicKey read_key(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> source{
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free};
  PublicKey key{source ? PEM_read_bio_PUBKEY(source.get(), nullptr, nullptr, nullptr) : nullptr,
                EVP_PKEY_free};
  ERR_clear_error();
  if (key && (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key.get()) < key_bits_min))
    key.reset();
  return key;
}

bool is_signed_by(EVP_PKEY* key, const IdentityToken& token) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  const bool right =
      context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(token.signature.data()),
                       token.signature.size(),
                       reinterpret_cast<const unsigned char*>(token.signed_text.data()),
                       token.signed_text.size()) == 1;
  ERR_clear_error();
  return right;
}

}  // namespace

Outcome<IdentityToken> read_identity_token(std::string_view compact) {
  const auto first = compact.find('.');
  const auto second = compact.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos)
    return invalid_token(no_token);
  const auto header = object_in(compact.substr(0, first));
  const auto claims = object_in(compact.substr(first + 1, second - first - 1));
  auto signature = from_base64url(compact.substr(second + 1));
  if (!header || !claims || !signature) return invalid_token(no_token);
  if (text_of(*header, "alg") != "RS256" || header->find("crit") != nullptr)
    return invalid_token("The sandbox takes tokens that are signed with RS256 alone.");
  IdentityToken token{.key_id = text_of(*header, "kid"),
                      .issuer = text_of(*claims, "iss"),
                      .subject = text_of(*claims, "sub"),
                      .audience = audience_of(*claims),
                      .expires_at = {},
                      .signed_text = std::string{compact.substr(0, second)},
                      .signature = *std::move(signature)};
  const auto expires_at = time_of(*claims, "exp");
  const std::pair<std::string_view, bool> required[] = {{"iss", !token.issuer.empty()},
                                                        {"sub", !token.subject.empty()},
                                                        {"aud", !token.audience.empty()},
                                                        {"exp", expires_at.has_value()},
                                                        {"iat", time_of(*claims, "iat").has_value()}};
  for (const auto& [name, present] : required)
    if (!present) return invalid_token(fmt::format("Missing a required claim: {}", name));
  for (const json::Member& claim : claims->members)
    if (claim.name.starts_with(aws_claims))
      return invalid_token("The sandbox does not know the claim " + in_backticks(claim.name));
  token.expires_at = *expires_at;
  return token;
}

Outcome<void> verify_identity_token(const IdentityToken& token, const OidcProvider& provider, Timestamp now) {
  const auto pem = provider.keys.find(token.key_id);
  const PublicKey key =
      pem == provider.keys.end() ? PublicKey{nullptr, EVP_PKEY_free} : read_key(pem->second);
  if (!key)
    return invalid_token(
        "Couldn't retrieve verification key from your identity provider, please reference "
        "AssumeRoleWithWebIdentity documentation for requirements");
  if (!is_signed_by(key.get(), token)) return invalid_token("The token's signature is not the provider's.");
  if (token.expires_at <= now)
    return Fault{400, "ExpiredTokenException",
                 fmt::format("Token expired: current date/time {} must be before the expiration date/time {}",
                             to_rfc3339(now), to_rfc3339(token.expires_at))};
  if (std::ranges::find(provider.client_ids, token.audience) == provider.client_ids.end())
    return invalid_token("Incorrect token audience");
  return success();
}

bool is_provider_key(std::string_view pem) {
  return read_key(pem) != nullptr;
}

}  // namespace deputy::sandbox
