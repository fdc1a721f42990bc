#include "policy/statement_match.hpp"

#include <algorithm>

#include "policy/pattern.hpp"

namespace deputy::policy {
namespace {

// A session's unique ID is the role's, a colon and the session's name.
bool has_unique_id(const Caller& caller, std::string_view wanted) {
  const std::string_view given = caller.unique_id;
  return given.starts_with(wanted) && (given.size() == wanted.size() || given[wanted.size()] == ':');
}

Naming names(const StatementPrincipal& principal, const Caller& caller) {
  const auto itself = [](bool named) { return named ? Naming::itself : Naming::none; };
  if (principal.type == PrincipalType::everyone) return Naming::everyone;
  if (!caller.service.empty()) {
    return itself(principal.type == PrincipalType::service && principal.value == caller.service);
  }
  switch (principal.type) {
    case PrincipalType::aws_account:
      return principal.value == caller.account ? Naming::account : Naming::none;
    case PrincipalType::aws_arn:
      return itself(principal.value == caller.arn || principal.value == caller.role_arn);
    case PrincipalType::aws_unique_id:
      return itself(has_unique_id(caller, principal.value));
    default:
      return Naming::none;
  }
}

bool action_matches(const Statement& statement, std::string_view action) {
  const bool listed =
      std::any_of(statement.actions.begin(), statement.actions.end(),
                  [&](const std::string& pattern) { return glob_matches_ignoring_case(pattern, action); });
  return listed != statement.not_action;
}

bool resource_matches(const Statement& statement, const Request& request) {
  const auto matches = [&](std::size_t i) {
    if (!statement.resource_texts[i].has_variables()) {
      const std::string& pattern = statement.resources[i];
      return pattern == "*" || arn_matches(pattern, request.resource);
    }
    const auto pattern = resolve_pattern(statement.resource_texts[i], request);
    return pattern && arn_matches(*pattern, request.resource);
  };
  bool listed = false;
  for (std::size_t i = 0; i < statement.resources.size() && !listed; ++i) listed = matches(i);
  return listed != statement.not_resource;
}

// Canonical user IDs stand for accounts, but nobody tells which: undecidable.
Truth principal_matches(const Statement& statement, const Caller& caller) {
  if (names(statement, caller) != Naming::none) return Truth::yes;
  const bool unknowable =
      caller.service.empty() && std::any_of(statement.principals.begin(), statement.principals.end(),
                                            [](const StatementPrincipal& principal) {
                                              return principal.type == PrincipalType::canonical_user;
                                            });
  return unknowable ? Truth::undecidable : Truth::no;
}

}  // namespace

Naming names(const Statement& statement, const Caller& caller) {
  Naming closest = Naming::none;
  for (const StatementPrincipal& principal : statement.principals) {
    closest = std::max(closest, names(principal, caller));
  }
  return closest;
}

Truth applies(const Statement& statement, PolicyKind kind, const Request& request) {
  if (!action_matches(statement, request.action)) return Truth::no;
  if (kind != PolicyKind::trust) {
    return resource_matches(statement, request) ? conditions_hold(statement, request) : Truth::no;
  }
  const Truth principal = principal_matches(statement, request.caller);
  if (principal == Truth::no) return Truth::no;
  return std::min(principal, conditions_hold(statement, request));
}

}  // namespace deputy::policy
