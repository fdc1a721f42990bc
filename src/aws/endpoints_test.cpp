#include "aws/endpoints.hpp"

#include <gtest/gtest.h>
#include <map>

namespace deputy::aws {
namespace {

Environment environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

Region region(const char* text) {
  return Region::parse(text).value();
}

TEST(Endpoints, AreAwsOwnHostsByPartition) {
  const Endpoints endpoints = Endpoints::of_aws();
  EXPECT_EQ(endpoints.url("sts", region("eu-central-1")), "https://sts.eu-central-1.amazonaws.com");
  EXPECT_EQ(endpoints.url("sts", region("cn-northwest-1")), "https://sts.cn-northwest-1.amazonaws.com.cn");
  EXPECT_EQ(endpoints.url("logs", region("us-gov-east-1")), "https://logs.us-gov-east-1.amazonaws.com");
  EXPECT_EQ(endpoints.url("s3", region("us-east-1")), "https://s3.us-east-1.amazonaws.com");
  EXPECT_EQ(endpoints.url("iam", region("eu-central-1")), "https://iam.amazonaws.com");
  EXPECT_EQ(endpoints.url("iam", region("us-gov-east-1")), "https://iam.us-gov.amazonaws.com");
  EXPECT_EQ(endpoints.url("iam", region("cn-northwest-1")), "https://iam.cn-north-1.amazonaws.com.cn");
}

TEST(Endpoints, IamIsSignedForThePartitionsHome) {
  EXPECT_EQ(iam_signing_region(Partition::aws).text(), "us-east-1");
  EXPECT_EQ(iam_signing_region(Partition::aws_us_gov).text(), "us-gov-west-1");
  EXPECT_EQ(iam_signing_region(Partition::aws_cn).text(), "cn-north-1");
}

TEST(Endpoints, FollowTheEnvironment) {
  const auto endpoints =
      Endpoints::configured(environment({{"AWS_ENDPOINT_URL", "http://127.0.0.1:4566//"},
                                         {"AWS_ENDPOINT_URL_STS", "https://sts.internal:8443/base/"},
                                         {"AWS_ENDPOINT_URL_IAM", ""},
                                         {"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "https://logs.internal"}}));
  ASSERT_TRUE(endpoints.has_value());
  EXPECT_EQ(endpoints.value().url("sts", region("us-east-1")), "https://sts.internal:8443/base");
  EXPECT_EQ(endpoints.value().url("logs", region("us-east-1")), "https://logs.internal");
  EXPECT_EQ(endpoints.value().url("iam", region("us-east-1")), "http://127.0.0.1:4566");
}

TEST(Endpoints, MayBeToldToIgnoreWhatIsConfigured) {
  const auto endpoints = Endpoints::configured(environment(
      {{"AWS_ENDPOINT_URL", "http://127.0.0.1:4566"}, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"}}));
  EXPECT_EQ(endpoints.value().url("sts", region("us-east-1")), "https://sts.us-east-1.amazonaws.com");
}

TEST(Endpoints, RefuseWhatIsNoAddress) {
  for (const char* url :
       {"sts.example.com", "ftp://x", "https://", "https:///path", "https://user@host", "https://h?q",
        "https://h#f", "https://h /", "HTTPS://h", "https://h\n", "file:///etc/passwd"}) {
    const auto refused = Endpoints::configured(environment({{"AWS_ENDPOINT_URL_STS", url}}));
    ASSERT_TRUE(refused.has_error()) << url;
    EXPECT_TRUE(refused.error().message.starts_with("AWS_ENDPOINT_URL_STS: ")) << refused.error().message;
  }
}

}  // namespace
}  // namespace deputy::aws
