#pragma once

#include "app/config.hpp"
#include "aws/base_credentials.hpp"
#include "aws/iam.hpp"
#include "aws/sts.hpp"
#include "core/identifiers.hpp"
#include "core/result.hpp"
#include "core/task.hpp"

namespace deputy::app {

// The one role ARN that customers trust: `aws.partner_principal`, or else what GetCallerIdentity says of the
// base credentials. A session's ARN hides the role's path, so the role is then asked for itself
// (iam:GetRole); where that is not allowed the setting is needed, and the error says so.
Task<Result<RoleArn>> find_partner_principal(const Config& config, Region region, aws::Sts& sts,
                                             aws::Iam& iam, aws::CredentialsProvider& base);

}  // namespace deputy::app
