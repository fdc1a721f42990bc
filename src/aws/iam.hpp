#pragma once

#include <memory>
#include <string>

#include "aws/caller.hpp"

namespace deputy::aws {

// What iam:GetRole says of a role. https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
struct RoleDetails {
  RoleArn arn;
  std::string trust_policy;  // as IAM returns it: URL-encoded JSON
};

// The IAM client. IAM is global: it is signed for its partition's one Region.
class Iam {
 public:
  virtual ~Iam() = default;
  virtual Task<AwsResult<RoleDetails>> get_role(std::string role_name, Partition partition,
                                                Credentials credentials) = 0;
};

// Over the wire, in the query protocol with XML answers.
std::unique_ptr<Iam> make_iam(const Caller& caller);

}  // namespace deputy::aws
