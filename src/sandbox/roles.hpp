#pragma once

#include "sandbox/state.hpp"

// Making and changing roles: what IAM and CloudFormation both do, by IAM's rules.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
namespace deputy::sandbox {

struct RoleDescription {
  std::string name;
  std::string path = "/";
  std::string trust_policy;
  std::string description;
  std::chrono::seconds max_session_duration{3600};
  std::vector<Tag> tags;
  std::shared_ptr<const ManagedPolicy> boundary = nullptr;
};

// `MalformedPolicyDocument` with the reason, or "Invalid principal in policy" for a role or user of a known
// account that does not exist.
Outcome<TrustPolicy> read_trust_policy(World& world, std::string_view text);
// The document as IAM shows it and STS uses it: a principal that is gone shows as its unique ID, and no
// longer matches anybody.
PolicyDocument effective_trust(World& world, const TrustPolicy& trust);
Outcome<PolicyDocument> read_inline_policy(std::string_view text);
// `LimitExceeded` beyond so many characters, white space not counted; `MalformedPolicyDocument` with the
// reason.
Outcome<PolicyDocument> read_policy(std::string_view text, std::size_t length_max);

std::optional<Fault> wrong_role_name(std::string_view name);
std::optional<Fault> wrong_policy_name(std::string_view name);

// The role as it will be, all but its trust policy and inline policies. Changes nothing.
Outcome<Role> describe_role(World& world, Account& account, const RoleDescription& description);

// Each makes the change visible to IAM now and to STS after `delay`.
Outcome<std::shared_ptr<const Role>> create_role(World& world, Account& account,
                                                 const RoleDescription& description,
                                                 std::chrono::milliseconds delay);
void change_role(World& world, Account& account, Role role, std::chrono::milliseconds delay);
void delete_role(World& world, Account& account, const std::string& name, std::chrono::milliseconds delay);

// `NoSuchEntity` when there is none.
Outcome<std::shared_ptr<const Role>> existing_role(World& world, const Account& account,
                                                   std::string_view name);

}  // namespace deputy::sandbox
