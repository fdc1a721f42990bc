#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/caller.hpp"

namespace deputy::aws {

// What iam:GetRole says of a role. https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
struct RoleDetails {
  RoleArn arn;
  std::string trust_policy;                   // as IAM returns it: URL-encoded JSON
  std::string permissions_boundary_arn = {};  // empty: none
  std::string request_id = {};
};

// The IAM client: what it takes to read one role with all that bounds and grants. IAM is global: it is signed
// for its partition's one Region. Policy documents come as IAM returns them, URL-encoded JSON. Lists are read
// to their last page; one that does not end within `pages_max` pages, or is longer than `policies_max`, is
// `unavailable`/`MalformedResponse`, as is an answer about another policy than the one asked for.
class Iam {
 public:
  static constexpr int pages_max = 10;
  static constexpr std::size_t policies_max = 100;  // IAM's quotas are lower

  virtual ~Iam() = default;
  // The caller compares the ARN: a name says nothing about account and path.
  virtual Task<AwsResult<RoleDetails>> get_role(std::string role_name, Partition partition,
                                                Credentials credentials) = 0;
  // The names of the role's inline policies.
  virtual Task<AwsResult<std::vector<std::string>>> list_role_policies(std::string role_name,
                                                                       Partition partition,
                                                                       Credentials credentials) = 0;
  virtual Task<AwsResult<std::string>> get_role_policy(std::string role_name, std::string policy_name,
                                                       Partition partition, Credentials credentials) = 0;
  // The ARNs of the managed policies that are attached to the role.
  virtual Task<AwsResult<std::vector<std::string>>> list_attached_role_policies(std::string role_name,
                                                                                Partition partition,
                                                                                Credentials credentials) = 0;
  // The document of a managed policy in its default version: iam:GetPolicy, then iam:GetPolicyVersion.
  virtual Task<AwsResult<std::string>> get_managed_policy(std::string policy_arn, Partition partition,
                                                          Credentials credentials) = 0;
};

// Over the wire, in the query protocol with XML answers.
std::unique_ptr<Iam> make_iam(const Caller& caller);

}  // namespace deputy::aws
