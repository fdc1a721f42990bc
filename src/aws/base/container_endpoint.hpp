#pragma once

#include <string>
#include <string_view>

#include "aws/base_credentials.hpp"
#include "core/result.hpp"

namespace deputy::aws {

struct ContainerEndpoint {
  std::string url;         // empty: none is configured
  bool is_of_aws = false;  // an address that ECS or EKS serves: what it gives are sessions of roles
};

// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI at 169.254.170.2, or else AWS_CONTAINER_CREDENTIALS_FULL_URI. A full
// URI is https with any host, or http with a host that this machine answers itself: `localhost`, 127.0.0.0/8,
// [::1], and the link-local addresses of ECS (169.254.170.2) and EKS (169.254.170.23, [fd00:ec2::23]), all
// written out, since a name could mean another machine tomorrow. The token must not go out in clear.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
Result<ContainerEndpoint> container_endpoint(const Environment& environment);

}  // namespace deputy::aws
