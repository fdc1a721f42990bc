#pragma once

#include <string>

#include "aws/base_credentials.hpp"
#include "core/identifiers.hpp"

namespace deputy::aws {

// Where a service answers: AWS's own host for the Region, unless AWS_ENDPOINT_URL_<SERVICE> or
// AWS_ENDPOINT_URL (or the profile's `endpoint_url`) says otherwise. Only the operator's environment and
// files decide; no request can. `service` is the SDKs' identifier: `sts`, `iam`, `logs`, `s3`,
// `cloudformation`.
class Endpoints {
 public:
  explicit Endpoints(const Environment& environment);
  // Every service at one address: the sandbox.
  static Endpoints at(std::string url);

  // Without a trailing slash: `https://sts.eu-central-1.amazonaws.com`.
  std::string url(const std::string& service, const Region& region) const;

 private:
  Endpoints() = default;
  std::string all_services_;
  std::vector<std::pair<std::string, std::string>> by_service_;
};

}  // namespace deputy::aws
