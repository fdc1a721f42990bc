#pragma once

#include <string>

#include "policy/analyzer.hpp"
#include "policy/work_budget.hpp"

namespace deputy::policy {

// The policy corrected with as few changes as give a safe one; indented JSON. It names the partner principal
// alone where everybody or strangers stood, asks for the issued IDs (and those tolerated ones that it already
// listed) wherever the partner's identities come in, and keeps statements for the customer's own account and
// for services. Where that is not safe, the plain policy. `analysis` is what was found.
std::string mend(const Policy& trust_policy, const TrustQuestion& question, const TrustAnalysis& analysis);

// One statement: the partner principal, with the issued IDs.
std::string plain_policy(const TrustQuestion& question);

}  // namespace deputy::policy
