#pragma once

#include <string>
#include <vector>

#include "policy/analyzer.hpp"
#include "policy/work_budget.hpp"

namespace deputy::policy {

struct Mend {
  std::string text;                  // indented JSON
  std::vector<std::string> removed;  // what of the policy is not in it, in plain words: for `mend_removed`
};

// The policy corrected with as few changes as give a safe one. It names the partner principal alone where
// everybody stood, asks for the issued IDs (and those tolerated ones that it already listed) wherever the
// partner's identities come in, and keeps what lets in the customer's own account, services and pinned
// subjects. A Deny that refuses the partner goes on denying everybody else. So nobody but the partner may
// more than before. Where none of that is safe, the plain policy. `analysis` is what was found.
Mend mend(const Policy& trust_policy, const TrustQuestion& question, const TrustAnalysis& analysis);

// One statement: the partner principal, with the issued IDs.
std::string plain_policy(const TrustQuestion& question);

}  // namespace deputy::policy
