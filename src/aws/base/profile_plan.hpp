#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "aws/base/web_identity.hpp"
#include "aws/credentials.hpp"
#include "aws/shared_files.hpp"

namespace deputy::aws {

// What a profile says to do for its credentials: begin somewhere, then assume one role after the other. Pure.

// A role that is assumed with the credentials of the step before.
struct RoleStep {
  std::string profile;
  RoleArn role_arn;
  SessionName session_name;
  std::optional<ExternalId> external_id;
  std::chrono::seconds duration{3600};
};

struct CommandOrigin {
  std::string profile;
  std::vector<std::string> words;
};
struct WebIdentityOrigin {
  std::string profile;
  WebIdentity identity;
};
// `credential_source`.
enum class NamedSource { environment, container, instance_metadata };

struct ProfilePlan {
  std::variant<Credentials, CommandOrigin, WebIdentityOrigin, NamedSource> origin;
  std::vector<RoleStep> roles;  // in the order in which they are assumed
};

// nullopt: the profile says nothing of credentials. Errors (`upstream_unavailable`, the reason in the detail,
// naming settings and never values): settings that contradict each other, lead in a circle, are more than
// eight profiles deep, or ask for what is not supported: a person's MFA code, IAM Identity Center.
//
// Within a profile, as most SDKs have it: `role_arn` comes before `web_identity_token_file` (with it: the
// token is the proof), before IAM Identity Center, before static keys, before `credential_process`. In the
// profile that `source_profile` names static keys come first, so that a profile may name itself.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
Result<std::optional<ProfilePlan>> plan_profile(const SharedProfiles& profiles, const std::string& name);

}  // namespace deputy::aws
