#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "registry/model.hpp"

// What grants and the policies of sessions may be. Pure.
namespace deputy::registry {

// A policy for a session, a request's or a grant's: up to 2,048 characters of those that STS takes, and read
// as IAM reads it. `invalid_request` with that field.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
Result<void> check_session_policy(std::string_view text, std::string field);

// May these be the grants of one workload? Each in its bounds, and no two that may cover the same connection
// force different policies: STS takes one only, and whichever was taken, a request would escape the other.
// `invalid_request` naming the grants.
Result<void> check_grants(const std::vector<Grant>& grants);

}  // namespace deputy::registry
