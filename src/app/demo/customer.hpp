#pragma once

#include <string>
#include <utility>
#include <vector>

#include "aws/caller.hpp"

namespace deputy::app {

// Somebody with AWS credentials in the demo: a customer's administrator, or a workload with what Deputy gave
// it. Real signed calls over HTTP.
class Customer {
 public:
  Customer(const aws::Caller& caller, Region region, aws::Credentials credentials)
      : caller_(caller), region_(std::move(region)), credentials_(std::move(credentials)) {}

  using Parameters = std::vector<std::pair<std::string, std::string>>;
  // A call in the query protocol (IAM, CloudFormation); returns the XML.
  Task<aws::AwsResult<std::string>> query(std::string service, std::string version, std::string action,
                                          Parameters parameters);
  // A call in the JSON 1.1 protocol of CloudWatch Logs; returns the JSON.
  Task<aws::AwsResult<std::string>> logs(std::string operation, std::string body);

  // Creates the stack, or updates it, and returns its output `RoleArn`.
  Task<aws::AwsResult<std::string>> launch_stack(std::string action, std::string stack,
                                                 std::string template_body);
  Task<aws::AwsResult<std::string>> create_role(std::string name,
                                                std::string trust_policy);  // returns the ARN
  Task<aws::AwsResult<std::string>> update_trust(std::string role, std::string trust_policy);
  Task<aws::AwsResult<std::string>> put_object(std::string bucket, std::string key, std::string body);
  // Lets everybody read what is in the bucket.
  Task<aws::AwsResult<std::string>> open_bucket(std::string bucket);
  Task<aws::AwsResult<std::vector<std::string>>> list_buckets();
  // Writes events of this very moment.
  Task<aws::AwsResult<std::string>> write_logs(std::string group, std::string stream,
                                               std::vector<std::string> messages);
  Task<aws::AwsResult<std::vector<std::string>>> read_logs(std::string group);  // the messages

 private:
  Task<aws::AwsResult<std::string>> send(aws::Call call);
  const aws::Caller& caller_;
  Region region_;
  aws::Credentials credentials_;
};

}  // namespace deputy::app
