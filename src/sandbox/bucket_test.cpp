#include "sandbox/test_client.hpp"

namespace deputy::sandbox {
namespace {

constexpr std::string_view text =
    "Description: A role\nParameters:\n  ExternalId:\n    Type: String\n    Description: Yours\n    Default: "
    "abc\n"
    "Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: named\n"
    "      AssumeRolePolicyDocument:\n        Version: \"2012-10-17\"\n        Statement:\n"
    "          - {Effect: Deny, Principal: \"*\", Action: sts:AssumeRole}\n";
constexpr std::string_view address = "https://acme-logs.s3.eu-central-1.amazonaws.com/of%20deputy/a.yaml";

class BucketTest : public ::testing::Test {
 protected:
  http::Response s3(const aws::Credentials& who, std::string method, std::string target,
                    std::string body = {}, TestClient::Fields headers = {}) {
    auto request = client.signed_request(who, "s3", std::move(method), std::move(target), std::move(body),
                                         std::move(headers));
    request.path = http::decode_path(request.path).value();
    return client.send(std::move(request));
  }
  void put() {
    ASSERT_EQ(s3(TestClient::admin(), "PUT", "/acme-logs/of%20deputy/a.yaml", std::string{text}).status, 200);
  }
  http::Response open_to(std::string_view principal,
                         std::string_view resource = "arn:aws:s3:::acme-logs/of*") {
    return s3(TestClient::admin(), "PUT", "/acme-logs?policy",
              fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{},)"
                          R"("Action":"s3:GetObject","Resource":"{}"}}]}})",
                          principal, resource));
  }
  http::Response summary(const aws::Credentials& who, std::string_view url) {
    return client.query(who, "cloudformation", "GetTemplateSummary", {{"TemplateURL", std::string{url}}});
  }

  TestClient client;
};

TEST_F(BucketTest, KeepsAnObjectAsItWasPut) {
  put();
  const auto got = s3(TestClient::admin(), "GET", "/acme-logs/of%20deputy/a.yaml");
  EXPECT_EQ(got.body, text);
  EXPECT_EQ(TestClient::code(s3(TestClient::admin(), "GET", "/acme-logs/other")), "NoSuchKey");
  EXPECT_EQ(TestClient::code(s3(TestClient::admin(), "GET", "/no-such-bucket/other")), "NoSuchBucket");
  EXPECT_EQ(TestClient::code(s3(TestClient::admin(), "PUT", "/acme-logs/" + std::string(1'025, 'k'), "x")),
            "KeyTooLongError");
}

TEST_F(BucketTest, AnotherAccountReadsWhatThePolicyOpensAndNothingElse) {
  put();
  ASSERT_EQ(s3(TestClient::admin(), "PUT", "/acme-logs/private", "secret").status, 200);
  EXPECT_EQ(TestClient::code(s3(TestClient::broker(), "GET", "/acme-logs/of%20deputy/a.yaml")),
            "AccessDenied");
  ASSERT_EQ(open_to("\"*\"").status, 200);
  EXPECT_EQ(s3(TestClient::broker(), "GET", "/acme-logs/of%20deputy/a.yaml").body, text);
  EXPECT_EQ(TestClient::code(s3(TestClient::broker(), "GET", "/acme-logs/private")), "AccessDenied");
  // Whether a key is there is for those who may list the bucket.
  EXPECT_EQ(TestClient::code(s3(TestClient::broker(), "GET", "/acme-logs/of-none")), "AccessDenied");
  EXPECT_EQ(TestClient::code(s3(TestClient::broker(), "PUT", "/acme-logs/of-mine", "x")), "AccessDenied");
  EXPECT_EQ(TestClient::code(s3(TestClient::broker(), "PUT", "/acme-logs?policy", "{}")), "AccessDenied");
  EXPECT_EQ(TestClient::code(s3(TestClient::broker(), "GET", "/acme-logs?policy")), "AccessDenied");
}

TEST_F(BucketTest, APolicySpeaksOfItsBucketAlone) {
  EXPECT_EQ(TestClient::code(open_to("\"*\"", "arn:aws:s3:::other/*")), "MalformedPolicy");
  EXPECT_EQ(TestClient::code(open_to("\"*\"", "*")), "MalformedPolicy");
  EXPECT_EQ(TestClient::code(open_to(R"({"AWS":"arn:aws:iam::111111111111:role/deputy-broker"})")),
            "NotImplemented");
  EXPECT_EQ(TestClient::code(s3(TestClient::admin(), "GET", "/acme-logs?policy")), "NoSuchBucketPolicy");
}

TEST_F(BucketTest, RefusesHeadersThatItWouldHaveToIgnore) {
  for (const auto& [name, value] : TestClient::Fields{{"x-amz-acl", "public-read"}, {"range", "bytes=0-1"}})
    EXPECT_EQ(TestClient::code(s3(TestClient::admin(), name == "range" ? "GET" : "PUT", "/acme-logs/a", "",
                                  {{name, value}})),
              "NotImplemented")
        << name;
}

TEST_F(BucketTest, HoldsABodyToItsChecksum) {
  const std::string target = "/acme-logs/a";
  EXPECT_EQ(
      s3(TestClient::admin(), "PUT", target, "123456789", {{"x-amz-checksum-crc32", "y/Q5Jg=="}}).status,
      200);
  EXPECT_EQ(TestClient::code(
                s3(TestClient::admin(), "PUT", target, "123456780", {{"x-amz-checksum-crc32", "y/Q5Jg=="}})),
            "BadDigest");
}

TEST_F(BucketTest, CloudFormationReadsATemplateAsTheCallerMay) {
  put();
  EXPECT_NE(summary(TestClient::broker(), address).body.find("S3 error: Access Denied"), std::string::npos);
  ASSERT_EQ(open_to(R"({"AWS":"111111111111"})").status, 200);
  const auto told = summary(TestClient::broker(), address);
  EXPECT_EQ(told.status, 200) << told.body;
  EXPECT_EQ(TestClient::element(told, "ParameterKey"), "ExternalId");
  EXPECT_EQ(TestClient::element(told, "DefaultValue"), "abc");
  EXPECT_NE(told.body.find("CAPABILITY_NAMED_IAM"), std::string::npos);
  for (const char* same : {"https://acme-logs.s3.amazonaws.com/of%20deputy/a.yaml",
                           "https://s3.eu-central-1.amazonaws.com/acme-logs/of%20deputy/a.yaml",
                           "https://s3-eu-west-1.amazonaws.com/acme-logs/of%20deputy/a.yaml"}) {
    const auto made = client.query(
        TestClient::broker(), "cloudformation", "CreateStack",
        {{"StackName", "s"}, {"TemplateURL", same}, {"Capabilities.member.1", "CAPABILITY_NAMED_IAM"}});
    EXPECT_EQ(made.status, 200) << same << made.body;
    client.query(TestClient::broker(), "cloudformation", "DeleteStack", {{"StackName", "s"}});
  }
}

TEST_F(BucketTest, ATemplateComesFromS3AndNowhereElse) {
  put();
  for (const char* bad :
       {"http://acme-logs.s3.amazonaws.com/of%20deputy/a.yaml",
        "https://127.0.0.1:1/acme-logs/of%20deputy/a.yaml",
        "https://acme-logs.s3.amazonaws.com.evil.example/a.yaml", "file:///etc/passwd",
        "https://acme-logs.s3.amazonaws.com/of%20deputy/a.yaml?X-Amz-Signature=1",
        "https://s3.amazonaws.com/acme-logs", "https://ec2.amazonaws.com/acme-logs/of%20deputy/a.yaml",
        "https://acme-logs.s3.amazonaws.com/../a", "https://", ""})
    EXPECT_NE(summary(TestClient::admin(), bad).body.find("TemplateURL must be a supported URL."),
              std::string::npos)
        << bad;
  EXPECT_NE(
      summary(TestClient::admin(), "https://acme-logs.s3.amazonaws.com/none").body.find("does not exist"),
      std::string::npos);
}

}  // namespace
}  // namespace deputy::sandbox
