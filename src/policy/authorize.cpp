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

// These are asked with an identity provider's assertion and not signed; no other caller can ask them.
bool takes_an_assertion(std::string_view action) {
  return equal_ignoring_case(action, "sts:AssumeRoleWithSAML") ||
         equal_ignoring_case(action, "sts:AssumeRoleWithWebIdentity");
}

bool is_root(const Caller& caller) {
  return caller.role_arn.empty() && caller.arn.ends_with(":root");
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

// How the resource policy's Allows name the caller. Called only when none of its Denies applies.
struct Grant {
  Naming closest = Naming::none;
  bool direct = false;  // the user or the session by its own ARN
};
Grant grant_of(const Policy* policy, const Request& request) {
  Grant grant;
  if (policy == nullptr) return grant;
  for (const Statement& statement : policy->statements()) {
    if (statement.effect != Effect::allow) continue;
    if (applies(statement, policy->kind(), request) != Truth::yes) continue;
    grant.closest = std::max(grant.closest, names(statement, request.caller));
    grant.direct = grant.direct || names_directly(statement, request.caller);
  }
  return grant;
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
  const auto boundary = policies.permissions_boundary != nullptr ? Boundary::attached : Boundary::none;
  if (policies.resource != nullptr) opinions.resource = evaluate_for(boundary, *policies.resource, request);
  if (kind_of(request.caller) != CallerKind::identity) return opinions;
  opinions.identity = any_of(policies.identity, request);
  opinions.has_boundary = policies.permissions_boundary != nullptr;
  if (opinions.has_boundary) opinions.boundary = evaluate(*policies.permissions_boundary, request);
  opinions.has_session = !policies.session.empty();
  opinions.session = any_of(policies.session, request);
  return opinions;
}

// Who has no policies of its own: the resource policy alone decides, within what such a caller can ask at
// all.
Decision by_resource_alone(const Decision& resource, const Request& request) {
  const CallerKind kind = kind_of(request.caller);
  const bool assertion = takes_an_assertion(request.action);
  const bool beside = equal_ignoring_case(request.action, "sts:TagSession") ||
                      equal_ignoring_case(request.action, "sts:SetSourceIdentity");
  const bool askable = kind == CallerKind::federated   ? assertion || beside
                       : kind == CallerKind::anonymous ? !is_role_assumption(request.action)
                                                       : !assertion;
  return askable ? resource : missing_allow(resource);
}

// Within one account. A grant to the user or session by its own ARN is not limited by what boundary and
// session policies leave out; one to its role, its account or everyone is.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
Decision within_account(const PolicySet& policies, const Opinions& opinions, const Request& request) {
  const bool assumption = is_role_assumption(request.action);
  const bool identity_allows = is_root(request.caller) || opinions.identity.allowed();
  if (assumption && !opinions.resource.allowed()) return missing_allow(opinions.resource);
  const Grant grant = grant_of(policies.resource, request);
  if (grant.direct) return opinions.resource;
  if (const Decision* bound = opinions.refusing_bound()) return missing_allow(*bound);
  const bool grants_alone =
      grant.closest == Naming::itself || (grant.closest == Naming::everyone && !assumption);
  if (grants_alone) return opinions.resource;
  if (!identity_allows) return missing_allow(opinions.identity);
  if (assumption) return opinions.resource;
  return {Verdict::allowed, opinions.identity.policy, opinions.identity.statement};
}

Decision across_accounts(const Opinions& opinions, const Request& request) {
  if (const Decision* bound = opinions.refusing_bound()) return missing_allow(*bound);
  if (!opinions.resource.allowed()) return missing_allow(opinions.resource);
  const bool identity_allows = is_root(request.caller) || opinions.identity.allowed();
  return identity_allows ? opinions.resource : missing_allow(opinions.identity);
}

}  // namespace

Decision authorize(const PolicySet& policies, const Request& request) {
  const Opinions opinions = opinions_on(policies, request);
  if (const Decision* denial = opinions.explicit_denial()) return *denial;
  if (kind_of(request.caller) != CallerKind::identity) return by_resource_alone(opinions.resource, request);
  if (takes_an_assertion(request.action)) return missing_allow(opinions.resource);
  // "You cannot use AWS account root user credentials to call AssumeRole": STS refuses whatever the policies
  // say.
  if (is_root(request.caller) && is_role_assumption(request.action)) return missing_allow(opinions.identity);
  const bool same_account =
      !policies.resource_account.empty() && policies.resource_account == request.caller.account;
  return same_account ? within_account(policies, opinions, request) : across_accounts(opinions, request);
}

}  // namespace deputy::policy
