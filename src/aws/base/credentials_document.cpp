#include "aws/base/credentials_document.hpp"

#include <algorithm>
#include <string_view>

#include "aws/base/credential_source.hpp"
#include "aws/base/static_keys.hpp"
#include "json/reader.hpp"

namespace deputy::aws {
namespace {

void wipe_all(json::Value& value) {
  wipe(value.text);
  for (json::Value& element : value.elements) wipe_all(element);
  for (json::Member& member : value.members) wipe_all(member.value);
}

// A document that is read; its values are wiped at the end.
class Document {
 public:
  explicit Document(json::Value value) : value_(std::move(value)) {}
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;
  ~Document() { wipe_all(value_); }

  bool is_object() const { return value_.is(json::Kind::object); }
  // Empty when it is not there, or null.
  Result<std::string> text(const std::string& name) const {
    const json::Value* member = value_.find(name);
    if (member == nullptr || member->is(json::Kind::null)) return std::string{};
    if (!member->is(json::Kind::string)) return broken_source("its `" + name + "` is no string");
    return member->text;
  }
  bool is_number(const std::string& name, std::string_view literal) const {
    const json::Value* member = value_.find(name);
    return member != nullptr && member->is(json::Kind::number) && member->text == literal;
  }

 private:
  json::Value value_;
};

bool is_word(std::string_view text) {
  return text.size() <= 64 && std::ranges::all_of(text, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
         });
}

Result<void> check_header(const Document& document, DocumentForm form) {
  if (form == DocumentForm::process && !document.is_number("Version", "1"))
    return broken_source("its `Version` is not 1");
  if (form != DocumentForm::instance) return success();
  DEPUTY_TRY(const std::string code, document.text("Code"));
  if (code.empty() || code == "Success") return success();
  return broken_source("its `Code` is " + (is_word(code) ? in_backticks(code) : "another") +
                       ", not `Success`; look at the role's trust policy and the instance profile");
}

Result<std::optional<Timestamp>> read_expiry(const Document& document, DocumentForm form, Timestamp now) {
  DEPUTY_TRY(const std::string text, document.text("Expiration"));
  if (text.empty() && form == DocumentForm::process) return std::optional<Timestamp>{};
  const auto expires_at = parse_rfc3339(text);
  if (!expires_at) return broken_source("its `Expiration` is no time such as `2026-01-31T12:00:00Z`");
  if (expires_at.value() <= now)
    return broken_source("its credentials expired at " + to_rfc3339(expires_at.value()) +
                         "; if that is not past, set this machine's clock");
  return std::optional{expires_at.value()};
}

Result<Credentials> credentials_in(const Document& document, DocumentForm form, Timestamp now) {
  if (!document.is_object()) return broken_source("it is no JSON object");
  DEPUTY_TRY(check_header(document, form));
  const bool is_process = form == DocumentForm::process;
  const KeyNames names{"AccessKeyId", "SecretAccessKey", is_process ? "SessionToken" : "Token"};
  StaticKeys keys;
  DEPUTY_TRY(keys.access_key_id, document.text(names[0]));
  DEPUTY_TRY(keys.secret_access_key, document.text(names[1]));
  DEPUTY_TRY(keys.session_token, document.text(names[2]));
  if (!is_process && keys.session_token.empty()) return broken_source("it has no `" + names[2] + "`");
  DEPUTY_TRY(const auto expires_at, read_expiry(document, form, now));
  DEPUTY_TRY(auto credentials, credentials_of(keys, names));
  if (!credentials) return broken_source("it has no `" + names[0] + "`");
  credentials->expires_at = expires_at;
  credentials->is_role_session = form == DocumentForm::instance;  // an instance has nothing but a role
  return *std::move(credentials);
}

}  // namespace

Result<Credentials> read_credentials_document(std::string& text, DocumentForm form, Timestamp now) {
  auto read = json::read(text, {.bytes_max = 64 * 1024, .depth_max = 8, .values_max = 1'000});
  wipe(text);
  if (!read) return broken_source("it is not valid JSON");  // no more: a reader's error may quote
  return credentials_in(Document{std::move(read).value()}, form, now);
}

}  // namespace deputy::aws
