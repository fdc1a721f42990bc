#pragma once

#include <optional>
#include <span>
#include <vector>

#include "policy/policy_view.hpp"
#include "policy/trust_callers.hpp"
#include "policy/value_search.hpp"

namespace deputy::policy {

// What is looked for: a request of the caller that this Allow accepts, no Deny refuses, and whose keys
// satisfy the goal.
struct RequestQuestion {
  const TrustCaller* caller = nullptr;
  const PolicyView::StatementView* allow = nullptr;
  std::span<const Condition> goal;
  Certainty certainty = Certainty::certain;
};

// The condition keys of such a request. `certain`: the engine accepts it, but for values that cannot hold
// together between keys (ask `evaluate`). `possible`: when nothing is found, and the budget is not spent,
// there is no such request. All conditions of the Allow must hold, and of each Deny that names the caller one
// must fail: which one is searched for, key by key.
std::optional<std::vector<ContextKey>> find_request(const PolicyView& view, const RequestQuestion& question,
                                                    WorkBudget& work);

}  // namespace deputy::policy
