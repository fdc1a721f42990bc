#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/iam.hpp"
#include "policy/policy.hpp"
#include "verify/patience.hpp"

namespace deputy::verify {

// A policy of a role, as IAM has it and as it was read.
struct RolePolicy {
  std::string name;      // of an inline policy; of a managed one its ARN
  std::string document;  // JSON
  policy::Policy policy;
};

// All that says what a role may do, as far as it could be read.
struct RolePolicies {
  std::vector<RolePolicy> identity;
  std::optional<RolePolicy> boundary;
  std::vector<std::string> unread;         // what could not be read, in plain words; empty: nothing
  std::optional<aws::AwsError> left_open;  // AWS gave no clear answer: ask again later
  bool complete() const { return unread.empty() && !left_open; }
};

// Reads one role through itself: with the credentials of its own session, in the account that it lives in, at
// whose expense the calls are throttled. References outlive it; it outlives its tasks. On one loop's thread.
class RoleReader {
 public:
  RoleReader(aws::Iam& iam, Patience& patience, RoleArn role, aws::Credentials session)
      : iam_(iam), patience_(patience), role_(std::move(role)), session_(std::move(session)) {}

  Task<aws::AwsResult<aws::RoleDetails>> role();
  // `details` absent: the role itself could not be read, so nobody knows of a permissions boundary.
  Task<RolePolicies> policies(std::optional<aws::RoleDetails> details);

 private:
  Task<void> read_inline(RolePolicies& policies);
  Task<void> read_attached(RolePolicies& policies);
  Task<void> read_boundary(RolePolicies& policies, std::string arn);

  aws::Iam& iam_;
  Patience& patience_;
  RoleArn role_;
  aws::Credentials session_;
};

}  // namespace deputy::verify
