#include "policy/decision.hpp"

#include <algorithm>

#include "policy/pattern.hpp"
#include "policy/statement_match.hpp"

namespace deputy::policy {

const ContextKey* Request::find(std::string_view name) const {
  const auto found = std::find_if(context.begin(), context.end(),
                                  [&](const ContextKey& key) { return equal_ignoring_case(key.name, name); });
  return found == context.end() ? nullptr : &*found;
}

void add_principal_keys(Request& request) {
  const Caller& caller = request.caller;
  const auto add = [&](std::string_view name, std::string value) {
    if (!value.empty() && request.find(name) == nullptr) {
      request.context.push_back({std::string{name}, {std::move(value)}});
    }
  };
  switch (kind_of(caller)) {
    case CallerKind::service:
      add("aws:PrincipalIsAWSService", "true");
      add("aws:PrincipalServiceName", caller.service);
      return;
    case CallerKind::federated:
      return;
    case CallerKind::anonymous:
      add("aws:PrincipalType", "Anonymous");
      return;
    case CallerKind::identity:
      break;
  }
  const bool is_federated_user = caller.arn.find(":federated-user/") != std::string::npos;
  const bool is_session = !caller.role_arn.empty() && !is_federated_user;
  const bool is_root = caller.arn.ends_with(":root");
  const std::size_t user = caller.arn.find(":user/");
  add("aws:PrincipalIsAWSService", "false");
  add("aws:PrincipalArn", is_session ? caller.role_arn : caller.arn);
  add("aws:PrincipalAccount", caller.account);
  add("aws:PrincipalType", is_root             ? "Account"
                           : is_federated_user ? "FederatedUser"
                           : is_session        ? "AssumedRole"
                                               : "User");
  add("aws:userid", is_root ? caller.account : caller.unique_id);
  if (!is_session && user != std::string::npos)
    add("aws:username", caller.arn.substr(caller.arn.rfind('/') + 1));
}

Decision evaluate(const Policy& policy, const Request& request) {
  return evaluate_for(Boundary::none, policy, request);
}

Decision evaluate_for(Boundary boundary, const Policy& policy, const Request& request) {
  Decision decision{Verdict::implicitly_denied, &policy, nullptr};
  for (const Statement& statement : policy.statements()) {
    const bool is_deny = statement.effect == Effect::deny;
    if (!is_deny && decision.allowed()) continue;
    const Truth applied = applies(statement, policy.kind(), request, boundary);
    if (is_deny && applied != Truth::no) return {Verdict::explicitly_denied, &policy, &statement};
    if (!is_deny && applied == Truth::yes) decision = {Verdict::allowed, &policy, &statement};
  }
  return decision;
}

}  // namespace deputy::policy
