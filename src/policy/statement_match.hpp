#pragma once

#include "policy/condition.hpp"
#include "policy/decision.hpp"

namespace deputy::policy {

// How closely a principal element names the caller: an account (or everyone) hands the choice on to that
// account's own policies, an ARN or a unique ID names the caller itself.
enum class Naming { none, account, everyone, itself };

Naming names(const Statement& statement, const Caller& caller);

// The user by its ARN or unique ID, or the session by the session's own ARN; not the session by its role.
bool names_directly(const Statement& statement, const Caller& caller);

// Who signs with the credentials of an account, or presents something else, or nothing.
enum class CallerKind { identity, service, federated, anonymous };
CallerKind kind_of(const Caller& caller);

// "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions
// boundary policy attached."
enum class Boundary { none, attached };

// Whether a statement applies to the request: action, resource, principal (of policies that have one) and
// conditions.
Truth applies(const Statement& statement, PolicyKind kind, const Request& request,
              Boundary boundary = Boundary::none);

// The first part of a statement that does not match, or that nobody can say matches; `none` where all do.
enum class Mismatch { none, action, resource, principal, conditions };
Mismatch mismatch_of(const Statement& statement, PolicyKind kind, const Request& request,
                     Boundary boundary = Boundary::none);

// `evaluate` for a caller with or without a permission boundary.
Decision evaluate_for(Boundary boundary, const Policy& policy, const Request& request);

}  // namespace deputy::policy
