#pragma once

#include <string>
#include <utility>
#include <vector>

#include "aws/base_credentials.hpp"
#include "core/identifiers.hpp"
#include "core/result.hpp"

namespace deputy::aws {

// Where a service answers: AWS's own host for the Region, unless AWS_ENDPOINT_URL_<SERVICE> (STS, IAM, S3,
// CLOUDFORMATION, CLOUDWATCH_LOGS) or AWS_ENDPOINT_URL, or the profile's `endpoint_url`, says otherwise. Only
// the operator's environment and files decide; no request can. `service` is the host's word: `sts`, `iam`,
// `logs`, `s3`, `cloudformation`. A plain value; the same on every thread.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
class Endpoints {
 public:
  // An address that is no http(s) URL, or files that cannot be read, are errors: else calls would go to
  // another place than the operator meant.
  static Result<Endpoints> configured(const Environment& environment);
  // Every service at one address: the sandbox.
  static Endpoints at(std::string url);
  // AWS's own hosts.
  static Endpoints of_aws() { return {}; }

  // Without a trailing slash: `https://sts.eu-central-1.amazonaws.com`.
  std::string url(const std::string& service, const Region& region) const;

 private:
  Endpoints() = default;
  std::string all_services_;
  std::vector<std::pair<std::string, std::string>> by_service_;
};

// IAM is one service for a whole partition; requests to it are signed for its home Region.
Region iam_signing_region(Partition partition);

}  // namespace deputy::aws
