#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/caller.hpp"

namespace deputy::aws {

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
struct AssumeRoleRequest {
  RoleArn role_arn;
  SessionName session_name;
  std::optional<ExternalId> external_id;      // absent only in the probe that must be refused
  std::chrono::seconds duration{3600};        // 900–43,200
  std::optional<std::string> session_policy;  // JSON, at most 2,048 characters
  std::vector<std::pair<std::string, std::string>> tags;
  std::optional<SessionName> source_identity;
};

struct AssumedRole {
  Credentials credentials;       // always with a token and an expiry
  std::string assumed_role_arn;  // `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`
  std::string request_id;
};

struct CallerIdentity {
  AccountId account;
  std::string arn;
  std::string user_id;
  std::string request_id;
};

// The STS client. An answer that is not complete and well formed is an error of class `unavailable`, never
// half a result: missing or empty key, secret, token, or an expiry that is missing, malformed or past.
class Sts {
 public:
  virtual ~Sts() = default;
  virtual Task<AwsResult<AssumedRole>> assume_role(AssumeRoleRequest request, Region region,
                                                   Credentials credentials) = 0;
  virtual Task<AwsResult<CallerIdentity>> get_caller_identity(Region region, Credentials credentials) = 0;
};

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
struct WebIdentityRequest {
  RoleArn role_arn;
  SessionName session_name;
  std::chrono::seconds duration{3600};  // 900–43,200
  SecretString token;                   // 4–20,000 characters; proves who asks, in place of a signature
};
// Unsigned. Errors and answers as those of Sts.
Task<AwsResult<AssumedRole>> assume_role_with_web_identity(const Caller& caller, WebIdentityRequest request,
                                                           Region region);

// Over the wire, in the query protocol with XML answers.
std::unique_ptr<Sts> make_sts(const Caller& caller);

}  // namespace deputy::aws
