#pragma once

#include "policy/analyzer.hpp"
#include "policy/policy_view.hpp"
#include "policy/work_budget.hpp"

namespace deputy::policy {

// The analysis but for the mend. When the budget is spent on the way: unsafe, with the finding `undecided`.
TrustAnalysis judge(const Policy& trust_policy, const TrustQuestion& question, WorkBudget& work);

// What is worth knowing about a policy, whatever its verdict: each finding a `note`.
std::vector<TrustFinding> notes_on(const PolicyView& view, const TrustQuestion& question);

// `invalid`, with the reason.
TrustAnalysis invalid_policy_analysis(std::string_view reason);

// At most so many findings are told.
inline constexpr std::size_t findings_max = 64;

}  // namespace deputy::policy
