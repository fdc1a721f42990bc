#pragma once

#include "policy/condition.hpp"
#include "policy/decision.hpp"

namespace deputy::policy {

// How closely a principal element names the caller: an account (or everyone) hands the choice on to that
// account's own policies, an ARN or a unique ID names the caller itself.
enum class Naming { none, account, everyone, itself };

Naming names(const Statement& statement, const Caller& caller);

// Whether a statement applies to the request: action, resource, principal (of policies that have one) and
// conditions.
Truth applies(const Statement& statement, PolicyKind kind, const Request& request);

}  // namespace deputy::policy
