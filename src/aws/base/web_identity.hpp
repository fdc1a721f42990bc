#pragma once

#include <chrono>
#include <string>

#include "aws/base/credential_source.hpp"

namespace deputy::aws {

// A role that is assumed with a token from a file, such as Kubernetes writes it.
struct WebIdentity {
  std::string token_file;
  RoleArn role_arn;
  SessionName session_name;
  std::chrono::seconds duration{3600};
};

// Reads the file, each time anew since its writer replaces it, and asks STS in `region`.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
Task<Result<Credentials>> assume_with_web_identity(SourceContext context, WebIdentity identity,
                                                   Region region);

// Where STS is called for the partner's own role: as the context says, else where the environment or the
// profile says, else in the home Region of the role's partition.
Region sts_region(const SourceContext& context, const std::optional<Region>& configured, const RoleArn& role);

// A call of STS that failed: what was asked, and what AWS said to it, for the operator alone.
Error sts_failure(std::string_view action, const RoleArn& role, const AwsError& error);

// The name of the partner's own sessions where the operator gives none.
SessionName default_session_name();

}  // namespace deputy::aws
