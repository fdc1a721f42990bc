#include <algorithm>
#include <fmt/format.h>

#include "sandbox/roles.hpp"
#include "sandbox/services.hpp"

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
namespace deputy::sandbox {
namespace {

constexpr std::size_t session_policy_length_max = 2048;
constexpr long long chained_seconds_max = 3600;

struct AssumeRole {
  explicit AssumeRole(RoleArn role_) : role(std::move(role_)) {}
  RoleArn role;
  std::string session_name, source_identity, session_policy_text;
  std::optional<std::string> external_id;
  std::shared_ptr<const policy::Policy> session_policy;
  std::vector<Tag> tags;
  long long duration_seconds = 3600;
};

Outcome<RoleArn> read_role_arn(const Parameters& parameters) {
  DEPUTY_TRY(const std::string text, parameters.required("RoleArn"));
  if (text.size() < 20) return constraint_error(text, "roleArn", "have length greater than or equal to 20");
  auto arn = RoleArn::parse(text);
  if (!arn) return validation_error(fmt::format("{} is invalid", text.substr(0, 256)));
  return std::move(arn).value();
}

std::optional<Fault> read_session_policy(const Parameters& parameters, AssumeRole& asked) {
  const auto text = parameters.find("Policy");
  if (!text) return std::nullopt;
  if (text->empty()) return constraint_error(*text, "policy", "have length greater than or equal to 1");
  if (text->size() > session_policy_length_max)
    return constraint_error(*text, "policy", "have length less than or equal to 2048");
  auto policy = policy::Policy::read(*text, policy::PolicyKind::session);
  if (!policy) return Fault{400, "MalformedPolicyDocument", policy.error().message};
  asked.session_policy_text = *text;
  asked.session_policy = std::make_shared<const policy::Policy>(std::move(policy).value());
  return std::nullopt;
}

Outcome<AssumeRole> read_assume_role(const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds",
                                              "Policy", "Tags", "SourceIdentity"}))
    return *std::move(fault);
  DEPUTY_TRY(RoleArn role, read_role_arn(parameters));
  AssumeRole asked{std::move(role)};
  DEPUTY_TRY(asked.session_name, parameters.required("RoleSessionName"));
  if (!SessionName::parse(asked.session_name))
    return constraint_error(
        asked.session_name, "roleSessionName",
        R"(have length between 2 and 64 and satisfy regular expression pattern: [\w+=,.@-]*)");
  if (const auto external_id = parameters.find("ExternalId")) {
    if (!ExternalId::parse(*external_id))
      return constraint_error(
          *external_id, "externalId",
          R"(have length between 2 and 1224 and satisfy regular expression pattern: [\w+=,.@:\/-]*)");
    asked.external_id = *external_id;
  }
  if (const auto identity = parameters.find("SourceIdentity")) {
    if (!SessionName::parse(*identity))
      return constraint_error(
          *identity, "sourceIdentity",
          R"(have length between 2 and 64 and satisfy regular expression pattern: [\w+=,.@-]*)");
    asked.source_identity = *identity;
  }
  DEPUTY_TRY(asked.duration_seconds, parameters.number("DurationSeconds", 3600, 900, 43'200));
  DEPUTY_TRY(asked.tags, parameters.tags());
  if (auto fault = read_session_policy(parameters, asked)) return *std::move(fault);
  return asked;
}

Fault access_denied(const Call& call, std::string_view action, const RoleArn& role) {
  return {403, "AccessDenied",
          fmt::format("User: {} is not authorized to perform: {} on resource: {}", call.caller.arn, action,
                      role.text())};
}

std::vector<policy::ContextKey> assume_role_context(const World& world, const Call& call,
                                                    const AssumeRole& asked) {
  auto context = global_context(world, call);
  context.push_back({"sts:RoleSessionName", {asked.session_name}});
  context.push_back({"aws:ResourceAccount", {asked.role.account().text()}});
  if (asked.external_id) context.push_back({"sts:ExternalId", {*asked.external_id}});
  if (!asked.source_identity.empty()) context.push_back({"sts:SourceIdentity", {asked.source_identity}});
  if (!asked.tags.empty()) {
    policy::ContextKey keys{"aws:TagKeys", {}};
    for (const Tag& tag : asked.tags) {
      context.push_back({"aws:RequestTag/" + tag.key, {tag.value}});
      keys.values.push_back(tag.key);
    }
    context.push_back(std::move(keys));
  }
  return context;
}

// Denied alike, whether the role is not there, trusts somebody else, or wants another external ID.
std::optional<Fault> denied_to_assume(World& world, const Call& call, const AssumeRole& asked,
                                      const Role* role) {
  std::vector<std::string_view> actions{"sts:AssumeRole"};
  if (!asked.tags.empty()) actions.push_back("sts:TagSession");
  if (!asked.source_identity.empty()) actions.push_back("sts:SetSourceIdentity");

  if (!role) return access_denied(call, "sts:AssumeRole", asked.role);
  const PolicyDocument trust = effective_trust(world, role->trust);
  if (!trust.policy) return access_denied(call, "sts:AssumeRole", asked.role);
  policy::PolicySet policies = policies_of(call.caller);
  policies.resource = trust.policy.get();
  policies.resource_account = asked.role.account().text();
  policy::Request request{.caller = policy_caller(call.caller),
                          .action = {},
                          .resource = asked.role.text(),
                          .context = assume_role_context(world, call, asked)};
  for (const std::string_view action : actions) {
    request.action = action;
    if (!policy::authorize(policies, request).allowed()) return access_denied(call, action, asked.role);
  }
  return std::nullopt;
}

std::shared_ptr<const Session> make_session(World& world, const AssumeRole& asked, const Role& role) {
  auto session = std::make_shared<Session>();
  session->access_key_id = world.draw_id("ASIA", 16);
  std::string secret = world.draw_secret(40);
  session->secret = SecretString::take(secret);
  std::string token = "sandbox/" + world.draw_secret(300) + "==";
  session->token = SecretString::take(token);
  session->account = asked.role.account().text();
  session->role_name = role.name;
  session->role_unique_id = role.unique_id;
  session->name = asked.session_name;
  session->source_identity = asked.source_identity;
  session->issued_at = std::chrono::floor<std::chrono::seconds>(world.clock.now());
  session->expires_at = session->issued_at + std::chrono::seconds{asked.duration_seconds};
  session->policy = asked.session_policy;
  session->tags = asked.tags;
  return session;
}

// In percent of the limit. AWS packs in a way that it does not document; here it is the plain length.
long long packed_policy_size(const AssumeRole& asked) {
  std::size_t size = asked.session_policy_text.size();
  for (const Tag& tag : asked.tags) size += tag.key.size() + tag.value.size();
  return static_cast<long long>((size * 100 + session_policy_length_max - 1) / session_policy_length_max);
}

std::string write_session(const World& world, const AssumeRole& asked, const Session& session) {
  XmlWriter xml;
  xml.open("AssumedRoleUser");
  xml.text("AssumedRoleId", session.role_unique_id + ":" + session.name);
  const auto account = world.accounts.find(session.account);
  xml.text("Arn",
           account->second.arn("sts", fmt::format("assumed-role/{}/{}", session.role_name, session.name)));
  xml.close();
  xml.open("Credentials");
  xml.text("AccessKeyId", session.access_key_id);
  xml.text("SecretAccessKey", session.secret.reveal());
  xml.text("SessionToken", session.token.reveal());
  xml.text("Expiration", to_rfc3339(session.expires_at));
  xml.close();
  if (const long long size = packed_policy_size(asked); size > 0)
    xml.text("PackedPolicySize", fmt::to_string(size));
  if (!session.source_identity.empty()) xml.text("SourceIdentity", session.source_identity);
  return xml.take();
}

Outcome<Reply> assume_role(World& world, const Call& call, const Parameters& parameters) {
  DEPUTY_TRY(AssumeRole asked, read_assume_role(parameters));
  if (call.caller.session && !call.caller.session->source_identity.empty()) {
    // Once set, it goes along every chain and cannot be changed.
    if (!asked.source_identity.empty() && asked.source_identity != call.caller.session->source_identity)
      return access_denied(call, "sts:SetSourceIdentity", asked.role);
    asked.source_identity = call.caller.session->source_identity;
  }
  auto role = world.seen_role(asked.role.account().text(), asked.role.name());
  if (role && role->arn != asked.role.text()) role = nullptr;
  if (auto fault = denied_to_assume(world, call, asked, role.get())) return *std::move(fault);
  if (call.caller.session && asked.duration_seconds > chained_seconds_max)
    return validation_error(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
  if (asked.duration_seconds > role->max_session_duration.count())
    return validation_error(
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  if (packed_policy_size(asked) > 100)
    return Fault{400, "PackedPolicyTooLarge",
                 fmt::format("Packed size of session tags consumes {}% of allotted space.",
                             packed_policy_size(asked))};
  const auto session = make_session(world, asked, *role);
  Reply reply{.body = write_session(world, asked, *session), .headers = {}};
  world.sessions.add(session);
  return reply;
}

// Everybody may ask who they are: no policy is consulted.
Outcome<Reply> get_caller_identity(const Call& call, const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({})) return *std::move(fault);
  XmlWriter xml;
  xml.text("Arn", call.caller.arn);
  xml.text("UserId", call.caller.user_id);
  xml.text("Account", call.caller.account->id);
  return Reply{.body = xml.take(), .headers = {}};
}

}  // namespace

Outcome<Reply> answer_sts(World& world, const Call& call, const Parameters& parameters) {
  if (call.operation == "AssumeRole") return assume_role(world, call, parameters);
  if (call.operation == "GetCallerIdentity") return get_caller_identity(call, parameters);
  return invalid_action(call.operation, parameters.get("Version"));
}

}  // namespace deputy::sandbox
