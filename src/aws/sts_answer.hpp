#pragma once

#include "aws/sts.hpp"

// What STS's answers must hold, apart from the sending: pure, and so what the fuzzer is aimed at.
namespace deputy::aws {

// The answer is consumed and wiped. Errors are `unavailable`/`MalformedResponse`, without anything of the
// answer's content.
AwsResult<AssumedRole> read_assumed_role(HttpResponse response, const AssumeRoleRequest& request,
                                         Timestamp now);
AwsResult<AssumedRole> read_web_identity_role(HttpResponse response, const WebIdentityRequest& request,
                                              Timestamp now);
AwsResult<CallerIdentity> read_caller_identity(HttpResponse response);

}  // namespace deputy::aws
