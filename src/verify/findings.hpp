#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/analyzer.hpp"
#include "registry/model.hpp"
#include "verify/permissions.hpp"

// What the two checks that read the role say: in plain words, bounded, with what to paste. Pure. They may
// name whatever the customer's own policies name; to whom that must not be told is the verifier's to know.
namespace deputy::verify {

struct Finding {
  registry::CheckResult result = registry::CheckResult::skipped;
  std::string message;
  std::optional<std::string> mend;
};

// ── trust_policy
Finding trust_policy_judged(const policy::TrustAnalysis& analysis);
// The role does not let itself be read, or the partner is not known.
Finding trust_policy_not_read(const RoleArn& role, bool require_proof);
Finding trust_policy_not_asked(bool require_proof);
Finding trust_policy_of_another_role();

// ── permissions
enum class ExcessPolicy { note, fail };  // what a grant like AdministratorAccess is: `verification.excess`

struct PermissionsJudgement {
  NeedsJudgement needs;
  std::vector<Excess> excess;
  std::vector<std::string> unread;  // see RolePolicies
  bool narrowed = false;            // see is_narrowed
  bool tried = false;               // harmless calls were made
};
Finding permissions_judged(const PermissionsJudgement& judgement, ExcessPolicy policy);
Finding permissions_not_asked();

// AWS left it open; `because` says what is to be said.
Finding unclear_finding(std::string because);

// What a tenant reads of a role in an account that is another tenant's too: the result, and nothing that the
// role's policies name.
Finding without_details(const Finding& finding);

}  // namespace deputy::verify
