#include "api/render.hpp"

#include "api/json_fields.hpp"

namespace deputy::api {
namespace {

namespace js = boost::json;

// The JSON value of something that may be absent.
js::value or_null(const std::optional<std::string>& text) {
  return text ? js::value(js::string_view{*text}) : js::value{};
}
js::value or_null(const std::optional<Timestamp>& time) {
  return time ? js::value(js::string_view{to_rfc3339(*time)}) : js::value{};
}
// For typed identifiers.
template <class T>
js::value text_or_null(const std::optional<T>& value) {
  return value ? js::value(js::string_view{value->text()}) : js::value{};
}

js::array texts(const std::vector<std::string>& values) {
  js::array array;
  for (const std::string& value : values) array.emplace_back(js::string_view{value});
  return array;
}

template <class T>
js::array texts_of(const std::vector<T>& values) {
  js::array array;
  for (const T& value : values) array.emplace_back(js::string_view{value.text()});
  return array;
}

// A document that Deputy stored and had read before. Null should the store hold something else.
js::value document(const std::string& text) {
  js::error_code broken;
  js::value value = js::parse(text, broken);
  return broken ? js::value{} : value;
}

js::value log_selection(const std::optional<registry::LogSelection>& logs) {
  if (!logs) return {};
  return js::object{{"regions", texts_of(logs->regions)}, {"groups", texts(logs->groups)}};
}

js::value rotation(const std::optional<registry::Rotation>& rotation) {
  if (!rotation) return {};
  return js::object{{"next_external_id", text_or_null(rotation->next_external_id)},
                    {"state", registry::to_text(rotation->state)},
                    {"retire_by", or_null(rotation->retire_by)}};
}

js::value last_verification(const std::optional<registry::LastVerification>& last) {
  if (!last) return {};
  return js::object{{"id", last->id.text()},
                    {"outcome", registry::to_text(last->outcome)},
                    {"finished_at", to_rfc3339(last->finished_at)}};
}

js::object evidence(const registry::Evidence& evidence) {
  js::object object;
  if (!evidence.aws_error_code.empty()) object["aws_error_code"] = evidence.aws_error_code;
  if (!evidence.aws_request_id.empty()) object["aws_request_id"] = evidence.aws_request_id;
  object["at"] = to_rfc3339(evidence.at);
  if (!evidence.trust_policy_sha256.empty()) object["trust_policy_sha256"] = evidence.trust_policy_sha256;
  return object;
}

// A check that was not run has no answer of AWS to show, only when that was settled.
js::object check(const registry::Check& check, Timestamp settled_at) {
  return {{"name", check.name},
          {"result", registry::to_text(check.result)},
          {"message", check.message},
          {"mend", or_null(check.mend)},
          {"evidence", evidence(check.evidence.value_or(registry::Evidence{{}, {}, settled_at, {}}))}};
}

js::object grant(const registry::Grant& grant) {
  js::array may;
  for (const registry::GrantOption option : grant.may) may.emplace_back(registry::to_text(option));
  return {
      {"integration", grant.integration ? js::string_view{grant.integration->text()} : js::string_view{"*"}},
      {"tenants", grant.tenants ? js::value(texts_of(*grant.tenants)) : js::value("*")},
      {"may", std::move(may)},
      {"session_policy", grant.session_policy ? document(*grant.session_policy) : js::value{}}};
}

std::string hex(const journal::Hash& hash) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : hash) {
    text += digits[std::to_integer<std::size_t>(byte) >> 4];
    text += digits[std::to_integer<std::size_t>(byte) & 0xfU];
  }
  return text;
}

// Builds one flat object in a text that never grows, so that no old copy of it is left on the heap.
class FlatObject {
 public:
  explicit FlatObject(std::size_t bytes) { text_.reserve(bytes); }
  void add(std::string_view name, std::string_view value) {
    begin(name);
    append_json_string(text_, value);
  }
  void add(std::string_view name, std::int64_t value) {
    begin(name);
    text_ += std::to_string(value);
  }
  std::string take() && {
    text_ += '}';
    return std::move(text_);
  }

 private:
  void begin(std::string_view name) {
    text_ += text_.empty() ? '{' : ',';
    append_json_string(text_, name);
    text_ += ':';
  }
  std::string text_;
};

std::size_t room_for(const aws::Credentials& credentials) {
  constexpr std::size_t names_and_times = 256;
  return names_and_times + 2 * (credentials.access_key_id.size() + credentials.secret_access_key.size() +
                                credentials.session_token.size());
}

}  // namespace

js::object render(const registry::Tenant& tenant) {
  return {{"id", tenant.id.text()},
          {"name", tenant.name},
          {"reference", or_null(tenant.reference)},
          {"created_at", to_rfc3339(tenant.created_at)}};
}

js::object render(const registry::Integration& integration) {
  js::object reasons;
  for (const auto& [sid, words] : integration.reasons) reasons[sid] = words;
  return {{"name", integration.name.text()},
          {"version", integration.version},
          {"description", integration.description},
          {"policy", document(integration.policy)},
          {"reasons", std::move(reasons)},
          {"role_name", or_null(integration.role_name)},
          {"trust_form", registry::to_text(integration.trust_form)},
          {"require_proof", integration.require_proof},
          {"logs", log_selection(integration.logs)},
          {"accept_risk", or_null(integration.accept_risk)},
          {"created_at", to_rfc3339(integration.created_at)}};
}

js::object render(const registry::Connection& connection, Audience audience) {
  js::object object{{"id", connection.id.text()},
                    {"tenant_id", connection.tenant_id.text()},
                    {"integration", connection.integration.text()},
                    {"integration_version", connection.integration_version},
                    {"account_id", text_or_null(connection.account_id)}};
  if (audience == Audience::partner) {
    object["external_id"] = connection.external_id.text();
    object["rotation"] = rotation(connection.rotation);
    object["role_arn"] = text_or_null(connection.role_arn);
  }
  object["state"] = registry::to_text(connection.state);
  object["proof"] = registry::to_text(connection.proof);
  object["last_verification"] = last_verification(connection.last_verification);
  object["next_verification_at"] = or_null(connection.next_verification_at);
  object["created_at"] = to_rfc3339(connection.created_at);
  object["updated_at"] = to_rfc3339(connection.updated_at);
  return object;
}

js::object render(const registry::Verification& verification) {
  const Timestamp settled_at = verification.finished_at.value_or(verification.started_at);
  js::array checks;
  for (const registry::Check& one : verification.checks) checks.push_back(check(one, settled_at));
  return {
      {"id", verification.id.text()},
      {"connection_id", verification.connection_id.text()},
      {"role_arn", verification.role_arn.text()},
      {"status", verification.done ? "done" : "running"},
      {"outcome", verification.outcome ? js::value(registry::to_text(*verification.outcome)) : js::value{}},
      {"proof", registry::to_text(verification.proof)},
      {"started_at", to_rfc3339(verification.started_at)},
      {"finished_at", or_null(verification.finished_at)},
      {"checks", std::move(checks)}};
}

js::object render(registry::Verification running, const verify::Progress& progress) {
  running.checks = progress.settled;
  js::object object = render(running);
  object["waiting_for_aws"] = progress.waiting_for_aws;
  return object;
}

js::object render(const registry::Issuance& issuance) {
  return {{"id", issuance.id.text()},
          {"connection_id", issuance.connection_id.text()},
          {"workload", issuance.workload},
          {"reason", or_null(issuance.reason)},
          {"session_name", issuance.session_name},
          {"access_key_id", issuance.access_key_id},
          {"issued_at", to_rfc3339(issuance.issued_at)},
          {"expires_at", to_rfc3339(issuance.expires_at)},
          {"source", registry::to_text(issuance.source)}};
}

js::object render(const registry::Workload& workload) {
  js::array grants;
  for (const registry::Grant& one : workload.grants) grants.push_back(grant(one));
  return {{"name", workload.name.text()}, {"grants", std::move(grants)}};
}

js::object render(const registry::Key& key) {
  return {{"id", key.id.text()},
          {"role", registry::to_text(key.role)},
          {"workload", text_or_null(key.workload)},
          {"connection_id", text_or_null(key.connection_id)},
          {"created_at", to_rfc3339(key.created_at)},
          {"expires_at", or_null(key.expires_at)},
          {"revoked_at", or_null(key.revoked_at)},
          {"last_used_at", or_null(key.last_used_at)}};
}

js::object render(const registry::ConnectSession& session) {
  return {{"id", session.id.text()},
          {"tenant_id", session.tenant_id.text()},
          {"integration", session.integration.text()},
          {"connection_id", text_or_null(session.connection_id)},
          {"return_url", or_null(session.return_url)},
          {"created_at", to_rfc3339(session.created_at)},
          {"expires_at", to_rfc3339(session.expires_at)},
          {"ended_at", or_null(session.ended_at)},
          {"opened_at", or_null(session.opened_at)}};
}

js::object render(const journal::ChainedEntry& chained) {
  const journal::Entry& entry = chained.entry;
  return {{"sequence", entry.sequence},
          {"at", to_rfc3339_millis(entry.at)},
          {"actor",
           js::object{{"kind", entry.actor.kind}, {"id", entry.actor.id}, {"address", entry.actor.address}}},
          {"act", entry.act},
          {"subject", entry.subject},
          {"tenant", entry.tenant},
          {"outcome", journal::to_text(entry.outcome)},
          {"detail", document(entry.detail)},
          {"hash", hex(chained.hash)}};
}

std::string render_credentials(const broker::IssuedCredentials& issued, Timestamp now) {
  const aws::Credentials& credentials = *issued.credentials;
  const Timestamp expires_at = credentials.expires_at.value_or(issued.issuance.expires_at);
  FlatObject object{room_for(credentials)};
  object.add("access_key_id", credentials.access_key_id);
  object.add("secret_access_key", credentials.secret_access_key.reveal());
  object.add("session_token", credentials.session_token.reveal());
  object.add("expires_at", to_rfc3339(expires_at));
  object.add("expires_in_seconds", std::chrono::floor<std::chrono::seconds>(expires_at - now).count());
  object.add("account_id", issued.account_id.text());
  object.add("region", issued.region.text());
  object.add("session_name", issued.issuance.session_name);
  object.add("issuance_id", issued.issuance.id.text());
  return std::move(object).take();
}

std::string render_container_credentials(const broker::IssuedCredentials& issued) {
  const aws::Credentials& credentials = *issued.credentials;
  FlatObject object{room_for(credentials)};
  object.add("AccessKeyId", credentials.access_key_id);
  object.add("SecretAccessKey", credentials.secret_access_key.reveal());
  object.add("Token", credentials.session_token.reveal());
  object.add("Expiration", to_rfc3339(credentials.expires_at.value_or(issued.issuance.expires_at)));
  object.add("AccountId", issued.account_id.text());
  return std::move(object).take();
}

}  // namespace deputy::api
