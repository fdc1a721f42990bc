#include "sandbox/assume_role.hpp"

#include <fmt/format.h>

namespace deputy::sandbox {
namespace {

constexpr std::size_t session_policy_length_max = 2048;

Outcome<RoleArn> read_role_arn(const Parameters& parameters) {
  DEPUTY_TRY(const std::string text, parameters.required("RoleArn"));
  if (text.size() < 20) return constraint_error(text, "roleArn", "have length greater than or equal to 20");
  auto arn = RoleArn::parse(text);
  if (!arn) return validation_error(fmt::format("{} is invalid", text.substr(0, 256)));
  return std::move(arn).value();
}

std::optional<Fault> read_session_policy(const Parameters& parameters, SessionWish& wish) {
  const auto text = parameters.find("Policy");
  if (!text) return std::nullopt;
  if (text->empty()) return constraint_error(*text, "policy", "have length greater than or equal to 1");
  if (text->size() > session_policy_length_max)
    return constraint_error(*text, "policy", "have length less than or equal to 2048");
  auto policy = policy::Policy::read(*text, policy::PolicyKind::session);
  if (!policy) return Fault{400, "MalformedPolicyDocument", policy.error().message};
  wish.session_policy_text = *text;
  wish.session_policy = std::make_shared<const policy::Policy>(std::move(policy).value());
  return std::nullopt;
}

// In percent of the limit. AWS packs in a way that it does not document; here it is the plain length.
long long packed_policy_size(const SessionWish& wish) {
  std::size_t size = wish.session_policy_text.size();
  for (const Tag& tag : wish.tags) size += tag.key.size() + tag.value.size();
  return static_cast<long long>((size * 100 + session_policy_length_max - 1) / session_policy_length_max);
}

std::shared_ptr<const Session> make_session(World& world, const SessionWish& wish, const Role& role) {
  auto session = std::make_shared<Session>();
  session->access_key_id = world.draw_id("ASIA", 16);
  std::string secret = world.draw_secret(40);
  session->secret = SecretString::take(secret);
  std::string token = "sandbox/" + world.draw_secret(300) + "==";
  session->token = SecretString::take(token);
  session->account = wish.role.account().text();
  session->role_name = role.name;
  session->role_unique_id = role.unique_id;
  session->name = wish.session_name;
  session->source_identity = wish.source_identity;
  session->issued_at = std::chrono::floor<std::chrono::seconds>(world.clock.now());
  session->expires_at = session->issued_at + std::chrono::seconds{wish.duration_seconds};
  session->policy = wish.session_policy;
  session->tags = wish.tags;
  return session;
}

}  // namespace

Outcome<SessionWish> read_session_wish(const Parameters& parameters) {
  DEPUTY_TRY(RoleArn role, read_role_arn(parameters));
  SessionWish wish{std::move(role)};
  DEPUTY_TRY(wish.session_name, parameters.required("RoleSessionName"));
  if (!SessionName::parse(wish.session_name))
    return constraint_error(
        wish.session_name, "roleSessionName",
        R"(have length between 2 and 64 and satisfy regular expression pattern: [\w+=,.@-]*)");
  DEPUTY_TRY(wish.duration_seconds, parameters.number("DurationSeconds", 3600, 900, 43'200));
  if (auto fault = read_session_policy(parameters, wish)) return *std::move(fault);
  return wish;
}

Fault access_denied(std::string_view caller, std::string_view action, const RoleArn& role) {
  return {
      403, "AccessDenied",
      fmt::format("User: {} is not authorized to perform: {} on resource: {}", caller, action, role.text())};
}

std::optional<Fault> too_much(const SessionWish& wish, const Role& role) {
  if (wish.duration_seconds > role.max_session_duration.count())
    return validation_error(
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  if (packed_policy_size(wish) > 100)
    return Fault{
        400, "PackedPolicyTooLarge",
        fmt::format("Packed size of session tags consumes {}% of allotted space.", packed_policy_size(wish))};
  return std::nullopt;
}

void open_session(World& world, const SessionWish& wish, const Role& role, XmlWriter& xml) {
  const auto session = make_session(world, wish, role);
  xml.open("AssumedRoleUser");
  xml.text("AssumedRoleId", session->role_unique_id + ":" + session->name);
  const auto account = world.accounts.find(session->account);
  xml.text("Arn",
           account->second.arn("sts", fmt::format("assumed-role/{}/{}", session->role_name, session->name)));
  xml.close();
  xml.open("Credentials");
  xml.text("AccessKeyId", session->access_key_id);
  xml.text("SecretAccessKey", session->secret.reveal());
  xml.text("SessionToken", session->token.reveal());
  xml.text("Expiration", to_rfc3339(session->expires_at));
  xml.close();
  if (const long long size = packed_policy_size(wish); size > 0)
    xml.text("PackedPolicySize", fmt::to_string(size));
  if (!session->source_identity.empty()) xml.text("SourceIdentity", session->source_identity);
  world.sessions.add(session);
}

}  // namespace deputy::sandbox
