#include "sandbox/authentication.hpp"

#include "sandbox/test_client.hpp"

namespace deputy::sandbox {
namespace {

http::Request identity_request(const TestClient& client) {
  return client.query_request(TestClient::broker(), "sts", "GetCallerIdentity");
}

TEST(Authentication, TakesWhatIsSignedRightly) {
  TestClient client;
  const auto answer = client.send(identity_request(client));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(TestClient::element(answer, "Arn"), "arn:aws:iam::111111111111:user/broker");
}

TEST(Authentication, RefusesARequestWithoutSignature) {
  TestClient client;
  http::Request request = identity_request(client);
  request.headers = {};
  request.headers.add("host", "127.0.0.1");
  EXPECT_EQ(TestClient::code(client.send(request)), "MissingAuthenticationToken");
}

TEST(Authentication, RefusesAChangedBody) {
  TestClient client;
  http::Request request = identity_request(client);
  request.body += "&Extra=1";
  const auto answer = client.send(request);
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(TestClient::code(answer), "SignatureDoesNotMatch");
}

TEST(Authentication, RefusesAnotherMethodPathOrHost) {
  TestClient client;
  http::Request method = identity_request(client), host = method,
                path = client.signed_request(TestClient::admin(), "s3", "GET", "/", "");
  method.method = "GET";
  host.headers.set("host", "elsewhere");
  path.target = path.path = "/acme-logs";
  for (const auto& request : {method, host, path})
    EXPECT_EQ(TestClient::code(client.send(request)), "SignatureDoesNotMatch");
}

TEST(Authentication, RefusesAWrongSecret) {
  TestClient client;
  const aws::Credentials wrong{"AKIAPARTNER000000000", SecretString{"x"}, {}, {}};
  EXPECT_EQ(TestClient::code(client.query(wrong, "sts", "GetCallerIdentity")), "SignatureDoesNotMatch");
  EXPECT_NE(client.logs(wrong, "DescribeLogGroups", "{}").body.find("InvalidSignatureException"),
            std::string::npos);
}

TEST(Authentication, NamesAnUnknownKeyAsEachServiceDoes) {
  TestClient client;
  const aws::Credentials nobody{"AKIANOBODY0000000000", SecretString{"x"}, {}, {}};
  EXPECT_EQ(TestClient::code(client.query(nobody, "sts", "GetCallerIdentity")), "InvalidClientTokenId");
  EXPECT_EQ(TestClient::code(client.send(client.signed_request(nobody, "s3", "GET", "/", ""))),
            "InvalidAccessKeyId");
  EXPECT_NE(client.logs(nobody, "DescribeLogGroups", "{}").body.find("UnrecognizedClientException"),
            std::string::npos);
}

TEST(Authentication, AllowsFiveMinutesOfSkewAndS3Fifteen) {
  TestClient client;
  http::Request sts = identity_request(client),
                s3 = client.signed_request(TestClient::admin(), "s3", "GET", "/", "");
  client.clock.jump(std::chrono::minutes{5});
  EXPECT_EQ(client.send(sts).status, 200);
  client.clock.jump(std::chrono::seconds{1});
  EXPECT_EQ(TestClient::code(client.send(sts)), "SignatureDoesNotMatch");
  EXPECT_EQ(client.send(s3).status, 200);
  client.clock.jump(std::chrono::minutes{10});
  EXPECT_EQ(TestClient::code(client.send(s3)), "RequestTimeTooSkewed");
  client.clock.jump(-std::chrono::minutes{21});
  EXPECT_EQ(TestClient::code(client.send(sts)), "SignatureDoesNotMatch");
}

TEST(Authentication, RefusesAScopeOfAnotherDayOrRegion) {
  TestClient client;
  http::Request request = identity_request(client);
  std::string authorization{*request.headers.find("authorization")};
  authorization.replace(authorization.find("/20260101/"), 10, "/20251231/");
  request.headers.set("authorization", authorization);
  EXPECT_EQ(TestClient::code(client.send(request)), "SignatureDoesNotMatch");
  EXPECT_EQ(
      TestClient::code(client.query(TestClient::broker(), "sts", "GetCallerIdentity", {}, "cn-north-1")),
      "SignatureDoesNotMatch");
}

TEST(Authentication, TakesIamSignedForAnyRegionOfThePartition) {
  TestClient client;
  EXPECT_EQ(client.query(TestClient::admin(), "iam", "ListRoles", {}, "eu-west-1").status, 200);
  EXPECT_EQ(TestClient::code(client.query(TestClient::admin(), "iam", "ListRoles", {}, "cn-north-1")),
            "SignatureDoesNotMatch");
}

TEST(Authentication, RefusesAnAmzHeaderThatIsNotSigned) {
  TestClient client;
  http::Request request = identity_request(client);
  request.headers.add("X-Amz-Extra", "1");
  EXPECT_EQ(TestClient::code(client.send(request)), "SignatureDoesNotMatch");
}

TEST(Authentication, RefusesRepeatedOrMalformedAuthorization) {
  TestClient client;
  http::Request twice = identity_request(client), basic = twice, presigned = twice;
  twice.headers.add("authorization", "AWS4-HMAC-SHA256 x");
  basic.headers.set("authorization", "Basic eDp5");
  presigned.query = "X-Amz-Signature=0";
  EXPECT_EQ(TestClient::code(client.send(twice)), "IncompleteSignature");
  EXPECT_EQ(TestClient::code(client.send(basic)), "IncompleteSignature");
  EXPECT_EQ(TestClient::code(client.send(presigned)), "InvalidRequest");
}

TEST(Authentication, ASessionNeedsItsTokenAndEnds) {
  TestClient client;
  const auto session = TestClient::session_of(client.assume(
      TestClient::broker(), "arn:aws:iam::111111111111:role/deputy-broker", {{"DurationSeconds", "900"}}));
  const auto get = [&](const aws::Credentials& credentials) {
    return client.query(credentials, "sts", "GetCallerIdentity");
  };
  EXPECT_EQ(get(session).status, 200);
  aws::Credentials without = session, wrong = session;
  without.session_token = {};
  wrong.session_token = SecretString{"sandbox/other"};
  EXPECT_EQ(TestClient::code(get(without)), "InvalidClientTokenId");
  EXPECT_EQ(TestClient::code(get(wrong)), "InvalidClientTokenId");
  client.clock.advance(std::chrono::minutes{15});
  const auto expired = get(session);
  EXPECT_EQ(expired.status, 403);
  EXPECT_EQ(TestClient::code(expired), "ExpiredToken");
  EXPECT_NE(client.logs(session, "DescribeLogGroups", "{}").body.find("ExpiredTokenException"),
            std::string::npos);
}

TEST(Authentication, S3ChecksTheClaimedBodyHash) {
  TestClient client;
  http::Request request = client.signed_request(TestClient::admin(), "s3", "PUT", "/acme-new", "");
  request.headers.set("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  EXPECT_EQ(TestClient::code(client.send(request)), "NotImplemented");
  request.headers.set("x-amz-content-sha256", aws::sha256_hex("other"));
  EXPECT_EQ(TestClient::code(client.send(request)), "XAmzContentSHA256Mismatch");
}

}  // namespace
}  // namespace deputy::sandbox
