#include <algorithm>
#include <array>

#include "policy/decision.hpp"
#include "policy/pattern.hpp"
#include "policy/statement_match.hpp"

namespace deputy::policy {
namespace {

// For these the role's trust policy must always allow, also within one account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
bool is_role_assumption(std::string_view action) {
  constexpr std::array<std::string_view, 5> actions{"sts:AssumeRole", "sts:AssumeRoleWithSAML",
                                                    "sts:AssumeRoleWithWebIdentity", "sts:TagSession",
                                                    "sts:SetSourceIdentity"};
  return std::any_of(actions.begin(), actions.end(),
                     [&](std::string_view known) { return equal_ignoring_case(known, action); });
}

bool is_root(const Caller& caller) {
  return caller.service.empty() && caller.role_arn.empty() && caller.arn.ends_with(":root");
}

// What some policies of one kind say together, an Allow of any being enough. No policy: an implicit denial.
Decision any_of(const std::vector<const Policy*>& policies, const Request& request) {
  Decision together;
  for (const Policy* policy : policies) {
    const Decision decision = evaluate(*policy, request);
    if (decision.verdict == Verdict::explicitly_denied) return decision;
    if (together.policy == nullptr || (decision.allowed() && !together.allowed())) together = decision;
  }
  return together;
}

// How closely the resource policy's Allows name the caller. Called only when none of its Denies applies.
Naming naming_allow(const Policy& policy, const Request& request) {
  Naming closest = Naming::none;
  for (const Statement& statement : policy.statements()) {
    if (statement.effect != Effect::allow) continue;
    if (applies(statement, policy.kind(), request) != Truth::yes) continue;
    closest = std::max(closest, names(statement, request.caller));
  }
  return closest;
}

Decision missing_allow(const Decision& from) {
  return {Verdict::implicitly_denied, from.policy, nullptr};
}

// What every kind of policy says by itself.
struct Opinions {
  Decision identity, boundary, session, resource;
  bool has_boundary = false, has_session = false;

  const Decision* explicit_denial() const {
    for (const Decision* decision : {&resource, &identity, &boundary, &session}) {
      if (decision->verdict == Verdict::explicitly_denied) return decision;
    }
    return nullptr;
  }
  // The bound that does not allow, if any.
  const Decision* refusing_bound() const {
    if (has_boundary && !boundary.allowed()) return &boundary;
    if (has_session && !session.allowed()) return &session;
    return nullptr;
  }
};

Opinions opinions_on(const PolicySet& policies, const Request& request) {
  Opinions opinions;
  if (policies.resource != nullptr) opinions.resource = evaluate(*policies.resource, request);
  if (!request.caller.service.empty()) return opinions;
  opinions.identity = any_of(policies.identity, request);
  opinions.has_boundary = policies.permissions_boundary != nullptr;
  if (opinions.has_boundary) opinions.boundary = evaluate(*policies.permissions_boundary, request);
  opinions.has_session = !policies.session.empty();
  opinions.session = any_of(policies.session, request);
  return opinions;
}

// A grant by the resource that needs nothing from the caller's own policies, for callers of the same account.
bool grants_alone(const PolicySet& policies, const Request& request, bool assumption) {
  const Naming naming = naming_allow(*policies.resource, request);
  return naming == Naming::itself || (naming == Naming::everyone && !assumption);
}

}  // namespace

Decision authorize(const PolicySet& policies, const Request& request) {
  const Opinions opinions = opinions_on(policies, request);
  if (const Decision* denial = opinions.explicit_denial()) return *denial;
  if (!request.caller.service.empty()) return opinions.resource;

  const bool root = is_root(request.caller);
  const bool assumption = is_role_assumption(request.action);
  // "You cannot use AWS account root user credentials to call AssumeRole": STS refuses whatever the policies
  // say.
  if (root && assumption) return missing_allow(opinions.identity);
  if (const Decision* bound = opinions.refusing_bound()) return missing_allow(*bound);

  const bool identity_allows = root || opinions.identity.allowed();
  const bool same_account =
      !policies.resource_account.empty() && policies.resource_account == request.caller.account;
  if (!same_account || assumption) {
    if (!opinions.resource.allowed()) return missing_allow(opinions.resource);
    const bool suffices = same_account && grants_alone(policies, request, assumption);
    return identity_allows || suffices ? opinions.resource : missing_allow(opinions.identity);
  }
  if (identity_allows) return {Verdict::allowed, opinions.identity.policy, opinions.identity.statement};
  if (opinions.resource.allowed() && grants_alone(policies, request, assumption)) return opinions.resource;
  return missing_allow(opinions.identity);
}

}  // namespace deputy::policy
