#include "verify/signed_report.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <sodium.h>
#include <vector>

#include "aws/sigv4.hpp"
#include "core/assert.hpp"

namespace deputy::verify {
namespace {

namespace js = boost::json;

constexpr std::string_view type = "deputy.verification-report";
constexpr std::string_view pem_begin = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view pem_end = "-----END PUBLIC KEY-----";
// SubjectPublicKeyInfo of an Ed25519 key, up to the key itself (RFC 8410, section 4).
constexpr std::string_view spki_prefix{"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12};

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string to_base64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes_of(bytes), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the NUL
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  std::size_t length = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                        text.size(), " \r\n", &length, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0)
    return std::nullopt;
  bytes.resize(length);
  return bytes;
}

js::value text_or_null(std::string_view text) {
  return text.empty() ? js::value{} : js::value(text);
}

// RFC 8785. Names are of ASCII, numbers whole: sorting by bytes and Boost.JSON's spelling are what it asks
// for.
void put_canonical(std::string& out, const js::value& value) {
  if (const auto* object = value.if_object()) {
    std::vector<std::pair<std::string_view, const js::value*>> members;
    for (const auto& [name, member] : *object)
      members.emplace_back(std::string_view{name.data(), name.size()}, &member);
    std::ranges::sort(members);
    char between = '{';
    for (const auto& [name, member] : members) {
      out += between;
      out += js::serialize(js::value(name)) + ":";
      put_canonical(out, *member);
      between = ',';
    }
    out += members.empty() ? "{}" : "}";
  } else if (const auto* array = value.if_array()) {
    out += '[';
    for (const js::value& element : *array) {
      if (out.back() != '[') out += ',';
      put_canonical(out, element);
    }
    out += ']';
  } else {
    out += js::serialize(value);
  }
}

js::object check_of(const registry::Check& check) {
  js::object object{{"name", check.name},        {"result", registry::to_text(check.result)},
                    {"message", check.message},  {"aws_error_code", nullptr},
                    {"aws_request_id", nullptr}, {"at", nullptr}};
  if (check.evidence) {
    object["aws_error_code"] = text_or_null(check.evidence->aws_error_code);
    object["aws_request_id"] = text_or_null(check.evidence->aws_request_id);
    object["at"] = to_rfc3339_millis(check.evidence->at);
  }
  return object;
}

std::string trust_policy_hash(const registry::Verification& verification) {
  for (const registry::Check& check : verification.checks)
    if (check.evidence && !check.evidence->trust_policy_sha256.empty())
      return check.evidence->trust_policy_sha256;
  return {};
}

// The 32 bytes of a public key.
std::optional<std::string> read_public_key(std::string_view text) {
  const std::size_t begin = text.find(pem_begin);
  if (begin != std::string_view::npos) {
    const std::size_t from = begin + pem_begin.size();
    const std::size_t end = text.find(pem_end, from);
    if (end == std::string_view::npos) return std::nullopt;
    auto info = from_base64(text.substr(from, end - from));
    if (!info || !info->starts_with(spki_prefix)) return std::nullopt;
    const std::string key = info->substr(spki_prefix.size());
    return key.size() == crypto_sign_PUBLICKEYBYTES ? std::optional{key} : std::nullopt;
  }
  auto key = from_base64(text);
  return key && key->size() == crypto_sign_PUBLICKEYBYTES ? key : std::nullopt;
}

}  // namespace

ReportSigner::ReportSigner(const SecretString& seed) {
  DEPUTY_ASSERT(seed.size() == crypto_sign_SEEDBYTES);
  unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
  std::string secret_key(crypto_sign_SECRETKEYBYTES, '\0');
  crypto_sign_seed_keypair(public_key, reinterpret_cast<unsigned char*>(secret_key.data()),
                           bytes_of(seed.reveal()));
  secret_key_ = SecretString::take(secret_key);
  const std::string_view key{reinterpret_cast<const char*>(public_key), sizeof public_key};
  public_key_ = to_base64(key);
  key_id_ = aws::sha256_hex(key).substr(0, 16);
}

std::string ReportSigner::public_key_pem() const {
  const std::string info = std::string{spki_prefix} + from_base64(public_key_).value_or("");
  return std::string{pem_begin} + "\n" + to_base64(info) + "\n" + std::string{pem_end} + "\n";
}

std::string ReportSigner::sign(std::string_view bytes) const {
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, bytes_of(bytes),
                       bytes.size(), bytes_of(secret_key_.reveal()));
  return to_base64(signature);
}

std::optional<std::string> signed_report(const ReportSigner& signer, const registry::Connection& connection,
                                         const registry::Tenant& tenant,
                                         const registry::Integration& integration,
                                         const registry::Verification& verification, Timestamp now) {
  const bool present = verification.done && verification.outcome && verification.finished_at &&
                       verification.connection_id == connection.id &&
                       verification.binding_version == connection.binding_version &&
                       verification.integration_version == integration.version;
  if (!present) return std::nullopt;
  js::array checks;
  for (const registry::Check& check : verification.checks) checks.push_back(check_of(check));
  const js::object report{
      {"type", type},
      {"version", 1},
      {"issued_at", to_rfc3339(now)},
      {"tenant", js::object{{"id", tenant.id.text()}, {"name", tenant.name}}},
      {"binding", js::object{{"connection_id", connection.id.text()},
                             {"binding_version", verification.binding_version},
                             {"role_arn", verification.role_arn.text()},
                             {"external_id", connection.external_id.text()},
                             {"partner_principal", verification.partner_principal.text()}}},
      {"integration", js::object{{"name", integration.name.text()},
                                 {"version", integration.version},
                                 {"policy_sha256", aws::sha256_hex(integration.policy)}}},
      {"verification", js::object{{"id", verification.id.text()},
                                  {"outcome", registry::to_text(*verification.outcome)},
                                  {"proof", registry::to_text(verification.proof)},
                                  {"started_at", to_rfc3339_millis(verification.started_at)},
                                  {"finished_at", to_rfc3339_millis(*verification.finished_at)},
                                  {"trust_policy_sha256", text_or_null(trust_policy_hash(verification))}}},
      {"checks", std::move(checks)}};
  std::string canonical;
  put_canonical(canonical, report);
  const js::object signature{
      {"algorithm", "Ed25519"}, {"key_id", signer.key_id()}, {"value", signer.sign(canonical)}};
  return "{\"report\":" + canonical + ",\"signature\":" + js::serialize(signature) + "}\n";
}

Result<void> check_report(std::string_view document, std::string_view public_key) {
  constexpr std::size_t bytes_max = 1'000'000;
  const auto wrong = [](std::string what) { return Error{ErrorKind::invalid_request, std::move(what)}; };
  const auto key = read_public_key(public_key);
  if (!key) return wrong("the key is no Ed25519 public key, neither in PEM nor in base64");
  js::error_code broken;
  const js::value parsed = document.size() > bytes_max ? js::value{} : js::parse(document, broken);
  const auto* whole = broken ? nullptr : parsed.if_object();
  const auto* report = whole == nullptr ? nullptr : whole->if_contains("report");
  const auto* signature = whole == nullptr ? nullptr : whole->if_contains("signature");
  const bool shaped =
      report != nullptr && report->is_object() && signature != nullptr && signature->is_object();
  const auto* value = shaped ? signature->get_object().if_contains("value") : nullptr;
  if (value == nullptr || !value->is_string()) return wrong("the document is no signed report");
  const auto bytes = from_base64(std::string_view{value->get_string().data(), value->get_string().size()});
  std::string canonical;
  put_canonical(canonical, *report);
  const auto* named = report->get_object().if_contains("type");
  const bool good =
      bytes && bytes->size() == crypto_sign_BYTES && named != nullptr && *named == js::value(type) &&
      crypto_sign_verify_detached(bytes_of(*bytes), bytes_of(canonical), canonical.size(), bytes_of(*key)) ==
          0;
  if (!good)
    return Error{ErrorKind::conflict, "the report was not signed with this key, or was changed since"};
  return success();
}

}  // namespace deputy::verify
