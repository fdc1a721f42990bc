#include <algorithm>
#include <fmt/format.h>

#include "sandbox/assume_role.hpp"
#include "sandbox/roles.hpp"
#include "sandbox/services.hpp"

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
namespace deputy::sandbox {
namespace {

constexpr long long chained_seconds_max = 3600;

struct AssumeRole : SessionWish {
  explicit AssumeRole(SessionWish wish) : SessionWish(std::move(wish)) {}
  std::optional<std::string> external_id;
};

Outcome<AssumeRole> read_assume_role(const Parameters& parameters) {
  if (auto fault = parameters.refuse_all_but({"RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds",
                                              "Policy", "Tags", "SourceIdentity"}))
    return *std::move(fault);
  DEPUTY_TRY(SessionWish wish, read_session_wish(parameters));
  AssumeRole asked{std::move(wish)};
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
  DEPUTY_TRY(asked.tags, parameters.tags());
  return asked;
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

  if (!role) return access_denied(call.caller.arn, "sts:AssumeRole", asked.role);
  const PolicyDocument trust = effective_trust(world, role->trust);
  if (!trust.policy) return access_denied(call.caller.arn, "sts:AssumeRole", asked.role);
  policy::PolicySet policies = policies_of(call.caller);
  policies.resource = trust.policy.get();
  policies.resource_account = asked.role.account().text();
  policy::Request request{.caller = policy_caller(call.caller),
                          .action = {},
                          .resource = asked.role.text(),
                          .context = assume_role_context(world, call, asked)};
  for (const std::string_view action : actions) {
    request.action = action;
    if (!policy::authorize(policies, request).allowed())
      return access_denied(call.caller.arn, action, asked.role);
  }
  return std::nullopt;
}

Outcome<Reply> assume_role(World& world, const Call& call, const Parameters& parameters) {
  DEPUTY_TRY(AssumeRole asked, read_assume_role(parameters));
  if (call.caller.session && !call.caller.session->source_identity.empty()) {
    // Once set, it goes along every chain and cannot be changed.
    if (!asked.source_identity.empty() && asked.source_identity != call.caller.session->source_identity)
      return access_denied(call.caller.arn, "sts:SetSourceIdentity", asked.role);
    asked.source_identity = call.caller.session->source_identity;
  }
  auto role = world.seen_role(asked.role.account().text(), asked.role.name());
  if (role && role->arn != asked.role.text()) role = nullptr;
  if (auto fault = denied_to_assume(world, call, asked, role.get())) return *std::move(fault);
  if (call.caller.session && asked.duration_seconds > chained_seconds_max)
    return validation_error(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
  if (auto fault = too_much(asked, *role)) return *std::move(fault);
  XmlWriter xml;
  open_session(world, asked, *role, xml);
  return Reply{.body = xml.take(), .headers = {}};
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
  if (call.operation == "AssumeRoleWithWebIdentity")
    return assume_role_with_web_identity(world, call, parameters);
  if (call.operation == "GetCallerIdentity") return get_caller_identity(call, parameters);
  return invalid_action(call.operation, parameters.get("Version"));
}

}  // namespace deputy::sandbox
