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

// `arn:aws:…`: the second part of the caller's ARN; empty where that is not known.
std::string_view partition_of(const Caller& caller) {
  std::string_view arn = caller.arn;
  if (!arn.starts_with("arn:")) return {};
  arn.remove_prefix(4);
  return arn.substr(0, arn.find(':'));
}

// Partitions do not trust each other: an account's number in another one is not that account.
Naming names_account(const StatementPrincipal& principal, const Caller& caller) {
  if (principal.value != caller.account) return Naming::none;
  if (principal.partition.empty()) return Naming::account;
  const std::string_view partition = partition_of(caller);
  return partition.empty() || partition == principal.partition ? Naming::account : Naming::none;
}

// A canonical user ID is another name of an account.
Naming names_canonically(const StatementPrincipal& principal, const Caller& caller) {
  const bool named = !caller.canonical_user.empty() && principal.value == caller.canonical_user;
  return named ? Naming::account : Naming::none;
}

Naming names(const StatementPrincipal& principal, const Caller& caller) {
  const auto itself = [](bool named) { return named ? Naming::itself : Naming::none; };
  if (principal.type == PrincipalType::everyone) return Naming::everyone;
  const CallerKind kind = kind_of(caller);
  if (kind == CallerKind::anonymous) return Naming::none;
  if (principal.type == PrincipalType::service)
    return itself(kind == CallerKind::service && principal.value == caller.service);
  if (principal.type == PrincipalType::federated)
    return itself(kind == CallerKind::federated && principal.value == caller.federated);
  if (kind != CallerKind::identity) return Naming::none;
  switch (principal.type) {
    case PrincipalType::aws_account:
      return names_account(principal, caller);
    case PrincipalType::aws_arn:
      return itself(principal.value == caller.arn || principal.value == caller.role_arn);
    case PrincipalType::aws_unique_id:
      return itself(has_unique_id(caller, principal.value));
    default:
      return names_canonically(principal, caller);
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
    return Resolution{statement.resource_texts[i], request}.arn_matches(request.resource);
  };
  bool listed = false;
  for (std::size_t i = 0; i < statement.resources.size() && !listed; ++i) listed = matches(i);
  return listed != statement.not_resource;
}

bool any_principal(const Statement& statement, auto&& predicate) {
  return std::any_of(statement.principals.begin(), statement.principals.end(), predicate);
}

// Canonical user IDs stand for accounts, but where the caller's is not known nobody tells which: undecidable.
Truth principal_matches(const Statement& statement, const Caller& caller) {
  if (names(statement, caller) != Naming::none) return Truth::yes;
  const bool unknowable = kind_of(caller) == CallerKind::identity && caller.canonical_user.empty() &&
                          any_principal(statement, [](const StatementPrincipal& principal) {
                            return principal.type == PrincipalType::canonical_user;
                          });
  return unknowable ? Truth::undecidable : Truth::no;
}

// A NotPrincipal spares a caller that it names wholly: "AWS might validate the account first, then the role,
// and then the assumed-role user", so each of them must stand there. Where only a part does, nobody can say.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
Truth is_not_spared(const Statement& statement, const Caller& caller, Boundary boundary) {
  if (boundary == Boundary::attached) return Truth::yes;
  const auto lists = [&](auto&& predicate) { return any_principal(statement, predicate); };
  if (lists([](const StatementPrincipal& one) { return one.type == PrincipalType::everyone; }))
    return Truth::no;
  if (kind_of(caller) != CallerKind::identity) {
    return names(statement, caller) == Naming::none ? Truth::yes : Truth::no;
  }
  const bool account =
      lists([&](const StatementPrincipal& one) { return names(one, caller) == Naming::account; });
  if (caller.arn.ends_with(":root")) return account ? Truth::no : Truth::yes;
  const bool itself = names_directly(statement, caller);
  const bool is_session = !caller.role_arn.empty();
  const bool role = lists([&](const StatementPrincipal& one) {
    return names(one, caller) == Naming::itself && one.value != caller.arn;
  });
  if (account && itself && (role || !is_session)) return Truth::no;
  return account || itself || role ? Truth::undecidable : Truth::yes;
}

}  // namespace

CallerKind kind_of(const Caller& caller) {
  if (!caller.service.empty()) return CallerKind::service;
  if (!caller.federated.empty()) return CallerKind::federated;
  const bool anonymous = caller.account.empty() && caller.arn.empty() && caller.role_arn.empty() &&
                         caller.unique_id.empty() && caller.canonical_user.empty();
  return anonymous ? CallerKind::anonymous : CallerKind::identity;
}

bool names_directly(const Statement& statement, const Caller& caller) {
  if (kind_of(caller) != CallerKind::identity) return false;
  return any_principal(statement, [&](const StatementPrincipal& one) {
    if (one.type == PrincipalType::aws_arn) return one.value == caller.arn;
    return one.type == PrincipalType::aws_unique_id && caller.role_arn.empty() &&
           has_unique_id(caller, one.value);
  });
}

Naming names(const Statement& statement, const Caller& caller) {
  Naming closest = Naming::none;
  for (const StatementPrincipal& principal : statement.principals) {
    closest = std::max(closest, names(principal, caller));
  }
  return closest;
}

namespace {

Truth caller_matches(const Statement& statement, PolicyKind kind, const Caller& caller, Boundary boundary) {
  if (kind != PolicyKind::trust && kind != PolicyKind::resource) return Truth::yes;
  return statement.not_principal ? is_not_spared(statement, caller, boundary)
                                 : principal_matches(statement, caller);
}

}  // namespace

Truth applies(const Statement& statement, PolicyKind kind, const Request& request, Boundary boundary) {
  if (!action_matches(statement, request.action)) return Truth::no;
  if (kind != PolicyKind::trust && !resource_matches(statement, request)) return Truth::no;
  const Truth principal = caller_matches(statement, kind, request.caller, boundary);
  if (principal == Truth::no) return Truth::no;
  return std::min(principal, conditions_hold(statement, request));
}

Mismatch mismatch_of(const Statement& statement, PolicyKind kind, const Request& request, Boundary boundary) {
  if (!action_matches(statement, request.action)) return Mismatch::action;
  if (kind != PolicyKind::trust && !resource_matches(statement, request)) return Mismatch::resource;
  if (caller_matches(statement, kind, request.caller, boundary) != Truth::yes) return Mismatch::principal;
  return conditions_hold(statement, request) == Truth::yes ? Mismatch::none : Mismatch::conditions;
}

}  // namespace deputy::policy
