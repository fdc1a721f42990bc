#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/policy.hpp"

// Deciding: total, without I/O, linear in the policy. It never throws, and what it cannot decide it denies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
namespace deputy::policy {

// Who asks: an identity of an account (`account` and `arn` at least), or an AWS service (`service` alone), or
// whoever presents an identity provider's assertion instead of AWS credentials (`federated` alone). All
// empty: an anonymous caller, whom only `*` names. For a session of a role, `arn` is the session's
// (`arn:aws:sts::A:assumed-role/NAME/SESSION`) and `role_arn` the role's own, path included; for one of
// sts:GetFederationToken (`arn:aws:sts::A:federated-user/NAME`), `role_arn` is the ARN of the user who made
// it.
struct Caller {
  std::string account;    // 12 digits
  std::string arn;        // user, session or root
  std::string role_arn;   // sessions only
  std::string unique_id;  // `AIDA…`, `AROA…:session`; may be empty
  std::string service;    // `ec2.amazonaws.com`
  // The provider of sts:AssumeRoleWithSAML or sts:AssumeRoleWithWebIdentity as policies name it: an ARN
  // (`arn:aws:iam::A:saml-provider/NAME`, `…:oidc-provider/HOST`) or a domain (`accounts.google.com`).
  std::string federated{};
  std::string canonical_user{};  // of the account, 64 hexadecimal digits; empty where it is not known
};

// A condition key of the request and its values (one for single-valued keys). A key that is not listed is
// absent.
struct ContextKey {
  std::string name;
  std::vector<std::string> values;
};

struct Request {
  Caller caller;
  std::string action;    // `sts:AssumeRole`
  std::string resource;  // the ARN asked for: the role, the bucket, …
  std::vector<ContextKey> context;

  // Case-insensitive; nullptr when absent.
  const ContextKey* find(std::string_view name) const;
};

enum class Verdict { allowed, explicitly_denied, implicitly_denied };

// The condition keys that AWS fills from the caller: aws:PrincipalArn (the role's for a session),
// aws:PrincipalAccount, aws:PrincipalType, aws:userid, aws:username (users only). Appended where the request
// does not have them yet. Callers with an assertion have none of them; anonymous ones their type alone.
void add_principal_keys(Request& request);

// Why: which statement decided, and in which policy. For an implicit denial `statement` is nullptr and
// `policy` the one whose Allow is missing, if there is one.
struct Decision {
  Verdict verdict = Verdict::implicitly_denied;
  const Policy* policy = nullptr;
  const Statement* statement = nullptr;
  bool allowed() const { return verdict == Verdict::allowed; }
};

// One policy alone: any matching Deny wins, else any matching Allow. What cannot be decided (a request value
// that the operator cannot read, say) counts as a match in a Deny and as none in an Allow.
Decision evaluate(const Policy& policy, const Request& request);

// Everything that bears on one request. Absent parts put no bound (session policy, boundary) or grant nothing
// (identity, resource).
struct PolicySet {
  std::vector<const Policy*> identity;           // of the caller
  const Policy* permissions_boundary = nullptr;  // of the caller
  std::vector<const Policy*> session;            // of the caller's session
  const Policy* resource = nullptr;              // of the resource; the trust policy for sts:AssumeRole
  std::string resource_account;                  // owner of the resource, 12 digits
};

// An explicit Deny anywhere wins. Across accounts both the caller's identity policies and the resource policy
// must allow; within one account either does, but for AssumeRole the trust policy always must: naming the
// role or user itself there suffices within the account, naming the account needs the identity's Allow too.
// A permission boundary and session policies bound everything but what a resource policy of the same account
// grants to the user or the session by its own ARN. Root needs no identity policy, but cannot assume roles.
// An unset resource_account counts as another account. Services, anonymous callers and callers with an
// assertion have no identity policies: the resource policy alone decides, and an assertion is good for
// sts:AssumeRoleWithSAML and …WithWebIdentity (with sts:TagSession and sts:SetSourceIdentity) only, which no
// other caller can ask for.
Decision authorize(const PolicySet& policies, const Request& request);

// What decided and why, in a few plain lines: the statement (Sid or number), the condition, the request's
// values against the policy's.
std::string explain(const Decision& decision, const Request& request);

// Glob of IAM: `*` any run, `?` one character, the rest literally; linear or quadratic time, no backtracking
// blow-up.
bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace deputy::policy
