#pragma once

#include "sandbox/state.hpp"

// Policies that stand by themselves, and what a role has of them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
namespace deputy::sandbox {

// The few of AWS's own that the sandbox has, in partition `aws`'s spelling: AdministratorAccess, which is
// what it is on AWS, and ReadOnlyAccess, cut down to what reads the services that are here.
void add_aws_policies(World& world);

struct ManagedPolicyDescription {
  std::string name;
  std::string path = "/";
  std::string document;
  std::string description;
};
// Adds a policy of the account's own. `EntityAlreadyExists`, `MalformedPolicyDocument`, …
Outcome<std::shared_ptr<const ManagedPolicy>> create_managed_policy(
    World& world, Account& account, const ManagedPolicyDescription& description);

// By ARN, of AWS or of this account; `NoSuchEntity` when there is none.
Outcome<std::shared_ptr<const ManagedPolicy>> existing_policy(const World& world, const Account& account,
                                                              std::string_view arn);

// How many roles of the account have it attached, or as their boundary.
std::size_t count_uses(const Account& account, std::string_view arn);

}  // namespace deputy::sandbox
