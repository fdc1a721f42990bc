#pragma once

#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/identifiers.hpp"
#include "verify/role_reader.hpp"

// What a role may do, held against what an integration asks for. Pure.
namespace deputy::verify {

// One action on one resource, as the integration writes them; wildcards and all.
struct Need {
  std::string action;
  std::string resource;
  bool conditional = false;  // asked for under conditions only
};

struct NeedsJudgement {
  std::vector<Need> granted;
  std::vector<Need> missing;    // surely not allowed
  std::vector<Need> undecided;  // it hangs on conditions, on narrower resources, or on what was not read
};

// Whose role it is, and when it is asked.
struct RoleSession {
  RoleArn role;
  SessionName session_name;
  Timestamp now;
};

// Decides each need with the policy engine over one representative request: wildcards stand for a word that
// no policy has, so that only a wildcard lets them in; the account of an ARN that leaves it open is the
// role's; conditions of the integration's own are met. Conditions of the role on keys that nobody knows
// beforehand (the address, the Region, tags) leave it undecided. Of a role that was not read whole only an
// explicit denial is certain. Needs that hold NotAction, NotResource or policy variables are undecided.
// `integration_policy` is one that the registry took, in partition `aws`.
NeedsJudgement judge_needs(const std::string& integration_policy, const RolePolicies& policies,
                           const RoleSession& session);

// A pattern that a role's policy allows, and neither the integration nor reading the role itself covers.
struct Excess {
  std::string policy;      // the name
  std::string action;      // as written; with `everything but` for NotAction
  std::string resource;    // likewise
  bool too_broad = false;  // its statement is like AdministratorAccess: policy::too_broad
};

// Conservative: Denies and the permissions boundary are not subtracted, conditions do not excuse, and a
// pattern that is covered only by several of the integration's together counts. Nothing that is granted
// beyond is left out, but for what was not read.
std::vector<Excess> excess_of(const RolePolicies& policies, const std::string& integration_policy,
                              const RoleArn& role);

// Does the permissions boundary keep the role from anything that is like AdministratorAccess? False without
// one.
bool is_narrowed(const RolePolicies& policies);

}  // namespace deputy::verify
