#include "aws/harmless_calls.hpp"

#include "support/aws_client_fixture.hpp"

#include <gtest/gtest.h>

namespace deputy::aws {
namespace {

class HarmlessCallsTest : public AwsClientFixture {
 protected:
  AwsResult<HarmlessCalls::Answered> call(const std::string& action) {
    return loop.run_through_time(calls->call(action, Region::parse("eu-central-1").value(), session));
  }
  std::unique_ptr<HarmlessCalls> calls = make_harmless_calls(caller);
  Credentials session{"ASIASESSION", SecretString{"secret"}, SecretString{"token"}, std::nullopt};
};

TEST_F(HarmlessCallsTest, KnowsOnlyItsTable) {
  EXPECT_TRUE(calls->knows("logs:DescribeLogGroups"));
  EXPECT_TRUE(calls->knows("S3:listallmybuckets"));
  for (const char* action : {"logs:FilterLogEvents", "s3:GetObject", "logs:Describe*", "s3:*", "*", ""})
    EXPECT_FALSE(calls->knows(action)) << action;
}

TEST_F(HarmlessCallsTest, AsksForOneItemInTheServicesOwnForm) {
  transport.otherwise = FakeTransport::always(200, "{}");
  ASSERT_TRUE(call("logs:DescribeLogGroups"));
  const auto& logs = transport.requests.back();
  EXPECT_EQ(logs.url, "https://logs.eu-central-1.amazonaws.com/");
  EXPECT_EQ(logs.body, R"({"limit":1})");
  EXPECT_EQ(header_of(logs, "x-amz-target"), "Logs_20140328.DescribeLogGroups");
  ASSERT_TRUE(call("s3:ListAllMyBuckets"));
  const auto& buckets = transport.requests.back();
  EXPECT_EQ(buckets.method, "GET");
  EXPECT_EQ(buckets.url, "https://s3.eu-central-1.amazonaws.com/");
  ASSERT_TRUE(call("dynamodb:ListTables"));
  EXPECT_EQ(header_of(transport.requests.back(), "content-type"), "application/x-amz-json-1.0");
}

TEST_F(HarmlessCallsTest, TellsADenialApart) {
  transport.then(400, R"({"__type":"com.amazonaws.logs#AccessDeniedException","message":"no"})");
  EXPECT_EQ(call("logs:DescribeLogGroups").error().error_class, AwsErrorClass::access_denied);
  transport.then(403, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>");
  EXPECT_EQ(call("s3:ListAllMyBuckets").error().error_class, AwsErrorClass::access_denied);
  transport.then(400, R"({"__type":"UnknownOperationException"})");
  EXPECT_NE(call("ecs:ListClusters").error().error_class, AwsErrorClass::access_denied);
}

}  // namespace
}  // namespace deputy::aws
