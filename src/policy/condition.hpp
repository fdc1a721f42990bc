#pragma once

#include "policy/decision.hpp"

namespace deputy::policy {

// Whether a condition holds. `undecidable`: the request has a value that the operator cannot read, or several
// values under a plain operator of which some match and some do not. An Allow needs `yes`; a Deny is content
// with `undecidable`.
enum class Truth { no, undecidable, yes };

// One condition against the key's values in the request; `key` is nullptr when the key is absent. `request`
// is used for policy variables alone.
Truth holds(const Condition& condition, const ContextKey* key, const Request& request);

// All of a statement's conditions, ANDed.
Truth conditions_hold(const Statement& statement, const Request& request);

}  // namespace deputy::policy
