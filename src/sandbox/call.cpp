#include "sandbox/call.hpp"

#include <fmt/format.h>

namespace deputy::sandbox {

std::vector<policy::ContextKey> request_context(const World& world, const Call& call) {
  const Timestamp now = world.clock.now();
  std::vector<policy::ContextKey> context{
      {"aws:CurrentTime", {to_rfc3339(now)}},
      {"aws:EpochTime",
       {fmt::to_string(std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count())}},
      {"aws:SecureTransport", {"true"}},
      {"aws:SourceIp", {call.remote_address}},
      {"aws:RequestedRegion", {call.region}},
  };
  if (!call.user_agent.empty()) context.push_back({"aws:UserAgent", {call.user_agent}});
  return context;
}

std::vector<policy::ContextKey> global_context(const World& world, const Call& call) {
  const Caller& caller = call.caller;
  std::vector<policy::ContextKey> context = request_context(world, call);
  const std::vector<policy::ContextKey> of_caller{
      {"aws:PrincipalAccount", {caller.account->id}},
      {"aws:PrincipalArn", {caller.role ? caller.role->arn : caller.arn}},
      {"aws:PrincipalIsAWSService", {"false"}},
      {"aws:ViaAWSService", {"false"}},
      {"aws:PrincipalType", {caller.user ? "User" : "AssumedRole"}},
      {"aws:userid", {caller.user_id}},
  };
  context.insert(context.end(), of_caller.begin(), of_caller.end());
  if (caller.user) context.push_back({"aws:username", {caller.user->name}});
  if (caller.session) {
    context.push_back({"aws:MultiFactorAuthPresent", {"false"}});
    context.push_back({"aws:TokenIssueTime", {to_rfc3339(caller.session->issued_at)}});
    if (!caller.session->source_identity.empty())
      context.push_back({"aws:SourceIdentity", {caller.session->source_identity}});
    for (const Tag& tag : caller.session->tags)
      context.push_back({"aws:PrincipalTag/" + tag.key, {tag.value}});
  }
  return context;
}

policy::Caller policy_caller(const Caller& caller) {
  return {.account = caller.account->id,
          .arn = caller.arn,
          .role_arn = caller.role ? caller.role->arn : std::string{},
          .unique_id = caller.user_id,
          .service = {}};
}

policy::PolicySet policies_of(const Caller& caller) {
  policy::PolicySet policies;
  const InlinePolicies& identity = caller.user ? caller.user->policies : caller.role->policies;
  for (const auto& [name, document] : identity) policies.identity.push_back(document.policy.get());
  if (caller.role) {
    for (const auto& [arn, managed] : caller.role->attached)
      policies.identity.push_back(managed->document.policy.get());
    // Read as an identity policy, which it is until somebody makes it a boundary: it says the same.
    if (caller.role->boundary) policies.permissions_boundary = caller.role->boundary->document.policy.get();
  }
  if (caller.session && caller.session->policy) policies.session.push_back(caller.session->policy.get());
  return policies;
}

std::optional<Fault> denied(const World& world, const Call& call, std::string_view action,
                            std::string_view resource, std::vector<policy::ContextKey> context) {
  policy::PolicySet policies = policies_of(call.caller);
  policies.resource_account = call.caller.account->id;
  policy::Request request{.caller = policy_caller(call.caller),
                          .action = std::string{action},
                          .resource = std::string{resource},
                          .context = global_context(world, call)};
  request.context.push_back({"aws:ResourceAccount", {call.caller.account->id}});
  for (policy::ContextKey& key : context) request.context.push_back(std::move(key));
  const policy::Decision decision = policy::authorize(policies, request);
  if (decision.allowed()) return std::nullopt;
  const bool bounded = decision.policy && decision.policy->kind() == policy::PolicyKind::permissions_boundary;
  const std::string_view because = decision.verdict == policy::Verdict::explicitly_denied
                                       ? "with an explicit deny in an identity-based or session policy"
                                   : bounded
                                       ? "because no permissions boundary allows the action"
                                       : "because no identity-based or session policy allows the action";
  return Fault{403, "AccessDenied",
               fmt::format("User: {} is not authorized to perform: {} on resource: {} {}", call.caller.arn,
                           action, resource, because)};
}

}  // namespace deputy::sandbox
