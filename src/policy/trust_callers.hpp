#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/analyzer.hpp"
#include "policy/policy_view.hpp"

// Everybody who could ask for the role, as a few classes: a policy can only tell callers apart by what it
// names and by condition keys, so one class stands for all whom it does not tell apart.
namespace deputy::policy {

enum class Standing {
  partner_principal,  // sessions of the role that customers trust
  partner_identity,   // others in the partner's accounts
  own_account,        // the customer's
  foreign,            // in an account that the policy names, and that is neither's
  stranger,           // anybody else
  unknown_identity,   // behind a unique ID: of which account, nobody can tell
  canonical_user,     // behind a canonical user ID: likewise
  federated,          // whoever an identity provider vouches for
};

struct TrustCaller {
  Standing standing = Standing::stranger;
  std::string name;    // for messages: an ARN, an account, a provider
  std::string action;  // what it asks for: sts:AssumeRole, or how federated callers do
  Caller caller;       // as the engine sees it; ARNs of a class are examples
  // What AWS says about the caller in condition keys, for the keys that the policy speaks of.
  std::vector<Condition> facts;
  bool is_user = false;  // of a class whose ARN is an example: a user, or a role
  bool is_example = false;
};

// Those of whom the policy can say something. The partner principal comes first. No root users, which cannot
// assume roles, and no services.
std::vector<TrustCaller> callers_of(const PolicyView& view, const TrustQuestion& question);

// A stranger of this account, for a witness: STS knows one account for each caller, and a class knows many.
TrustCaller in_account(const TrustCaller& stranger, std::string_view account, const PolicyView& view,
                       const TrustQuestion& question);

// Conditions made here, not read.
enum class Matching { equals, like };
Condition make_condition(std::string_view key, Matching matching, bool negated,
                         std::vector<std::string> values);
Condition make_presence(std::string_view key, bool present);

}  // namespace deputy::policy
