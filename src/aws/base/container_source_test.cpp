#include "support/loopback_sources.hpp"

#include "aws/base/container_endpoint.hpp"

namespace deputy::aws {
namespace {

class ContainerSourceTest : public LoopbackSourcesFixture {
 protected:
  std::string endpoint(const std::string& uri) {
    variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = uri;
    const auto found = container_endpoint(environment);
    return found ? found.value().url : "refused: " + found.error().detail;
  }
  const std::unique_ptr<CredentialSource> source = container_source(context);
};

TEST_F(ContainerSourceTest, IsNotConfiguredWithoutItsVariables) {
  EXPECT_EQ(
      why(*source),
      "not configured: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are "
      "not set");
}

TEST_F(ContainerSourceTest, SpeaksTheProtocolOverTheWire) {
  LoopbackServer server{recording([](const std::string& request) {
    return request.starts_with("GET /v1/credentials?id=7 ") ? LoopbackServer::ok(document("ASIATASK"))
                                                            : LoopbackServer::response("404 Not Found", "");
  })};
  write("token", "Bearer TokenCanary");
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.url() + "/v1/credentials?id=7";
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "the file wins";
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = path("token");
  const auto real_source = container_source(real_context);
  const Credentials got = fetch_really(*real_source);
  EXPECT_EQ(got.access_key_id, "ASIATASK");
  EXPECT_EQ(got.secret_access_key.reveal(), "SecretCanary");
  EXPECT_EQ(got.session_token.reveal(), "TokenCanary==");
  EXPECT_EQ(got.expires_at, clock.now() + std::chrono::hours{6});
  EXPECT_TRUE(has(requests().at(0), "authorization: Bearer TokenCanary\r\n")) << requests().at(0);
  write("token", "another");  // rotated: read at each fetch
  EXPECT_EQ(fetch_really(*real_source).access_key_id, "ASIATASK");
  EXPECT_TRUE(has(requests().at(1), "authorization: another\r\n"));
  variables.erase("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  EXPECT_EQ(fetch_really(*real_source).access_key_id, "ASIATASK");
  EXPECT_TRUE(has(requests().at(2), "authorization: the file wins\r\n"));
  variables.erase("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  EXPECT_EQ(fetch_really(*real_source).access_key_id, "ASIATASK");
  EXPECT_FALSE(has(requests().at(3), "uthorization"));
}

TEST_F(ContainerSourceTest, RedirectsAreNotFollowed) {
  LoopbackServer server{recording([](const std::string&) {
    return LoopbackServer::response("302 Found", "", "Location: /elsewhere\r\n");
  })};
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.url() + "/";
  EXPECT_EQ(fetch_really(*container_source(real_context)).access_key_id, "broken: the endpoint answered 302");
  EXPECT_EQ(requests().size(), 1U);
}

TEST_F(ContainerSourceTest, AHugeAnswerIsCutOff) {
  LoopbackServer server{[](const std::string&) { return LoopbackServer::ok(std::string(70'000, ' ')); }};
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.url() + "/";
  EXPECT_EQ(fetch_really(*container_source(real_context)).access_key_id,
            "broken: the endpoint gave no answer: ResponseTooLarge: the answer is larger than the limit");
}

TEST_F(ContainerSourceTest, TheRelativeUriIsAtTheAddressOfEcsAndWins) {
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/abc";
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1/other";
  transport.then(200, document("ASIATASK"));
  const Credentials got = fetch(*source);
  EXPECT_EQ(got.access_key_id, "ASIATASK");
  EXPECT_TRUE(got.is_role_session);
  EXPECT_EQ(transport.requests.at(0).url, "http://169.254.170.2/v2/credentials/abc");
  EXPECT_TRUE(transport.requests.at(0).direct);
  EXPECT_LE(transport.requests.at(0).timeout, std::chrono::seconds{2});
  for (const char* bad : {"v2", "/a b", "/a\r\nx: y", "/\\", "//evil\x01"}) {
    variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = bad;
    EXPECT_NE(why(*source).find("broken: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: no path"), std::string::npos)
        << bad;
  }
}

TEST_F(ContainerSourceTest, PlainHttpIsForThisMachineAlone) {
  for (const std::string uri : {"http://127.0.0.1:80/", "http://127.1.2.3/x", "http://localhost:1/",
                                "http://[::1]/", "http://[::1]:80/a?b", "http://[0:0:0:0:0:0:0:1]/",
                                "http://169.254.170.2/", "http://169.254.170.23/v1/credentials",
                                "http://[fd00:ec2::23]/v1/credentials", "http://[FD00:EC2::23]/",
                                "https://example.com/c", "https://10.0.0.1:8443/c", "https://example.com"}) {
    EXPECT_EQ(endpoint(uri), uri);
  }
  for (const std::string uri : {"http://example.com/",
                                "http://10.0.0.1/",
                                "http://169.254.169.254/",
                                "http://169.254.170.3/",
                                "http://127.0.0.1.example.com/",
                                "http://localhost.example.com/",
                                "http://127.1/",
                                "http://0x7f.0.0.1/",
                                "http://2130706433/",
                                "http://0177.0.0.1/",
                                "http://127.0.0.1@example.com/",
                                "http://127.0.0.1:80@example.com/",
                                "http://example.com#@127.0.0.1/",
                                "http://example.com\\@127.0.0.1/",
                                "http://[::1].example.com/",
                                "http://[::ffff:127.0.0.1]/",
                                "http://[fd00:ec2::254]/",
                                "http://[::1/",
                                "http:///x",
                                "http://:80/",
                                "http://127.0.0.1:x/",
                                "http://127.0.0.1:123456/",
                                "http://127.0.0.1 /",
                                "ftp://127.0.0.1/",
                                "127.0.0.1",
                                "HTTP://127.0.0.1/",
                                "https://",
                                "https:///x",
                                "https://a b/",
                                "https://user:Canary@example.com/",
                                "http://127.0.0.1\r\n/"}) {
    const std::string said = endpoint(uri);
    EXPECT_NE(said.find("refused: AWS_CONTAINER_CREDENTIALS_FULL_URI: "), std::string::npos) << uri << said;
    EXPECT_EQ(said.find("Canary"), std::string::npos);
  }
}

TEST_F(ContainerSourceTest, ATokenWithALineBreakIsRefused) {
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1/";
  for (const std::string token : {"Canary\n", "Canary\r\nx-evil: y"}) {
    variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = token;
    EXPECT_NE(why(*source).find("AWS_CONTAINER_AUTHORIZATION_TOKEN: the token holds a line break"),
              std::string::npos);
    write("token", token);
    variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = path("token");
    EXPECT_NE(why(*source).find("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: the token holds a line break"),
              std::string::npos);
    variables.erase("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  }
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = path("missing");
  EXPECT_NE(why(*source).find("is not there, or empty"), std::string::npos);
  write("large", std::string(17 * 1024, 'x'));
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = path("large");
  EXPECT_NE(why(*source).find("is larger than"), std::string::npos);
  EXPECT_TRUE(transport.requests.empty());
}

TEST_F(ContainerSourceTest, WhatMayPassIsAskedAgainAndARefusalIsNot) {
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1/";
  transport.then_no_answer("Timeout");
  transport.then(503, "Canary");
  transport.then(200, document("ASIATASK"));
  EXPECT_EQ(why(*source), "ASIATASK");
  transport.then(429, "Canary");
  transport.then(500, "Canary");
  transport.then(500, "Canary");
  EXPECT_EQ(why(*source), "broken: the endpoint answered 500");
  EXPECT_EQ(transport.requests.size(), 6U);
  transport.then(403, R"({"code":"Canary","message":"Canary"})");
  EXPECT_EQ(why(*source), "broken: the endpoint answered 403");
  EXPECT_EQ(transport.requests.size(), 7U);
}

TEST_F(ContainerSourceTest, HalfAnAnswerIsNone) {
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1/";
  const std::string keys = R"("AccessKeyId":"ASIA","SecretAccessKey":"Canary")";
  for (
      const auto& [body, said] : std::vector<std::pair<std::string, std::string>>{
          {"", "it is not valid JSON"},
          {"Canary", "it is not valid JSON"},
          {"[]", "it is no JSON object"},
          {"{}", "it has no `Token`"},
          {"{" + keys + R"(,"Expiration":"2026-01-02T00:00:00Z"})", "it has no `Token`"},
          {"{" + keys + R"(,"Token":"t"})", "its `Expiration` is no time"},
          {"{" + keys + R"(,"Token":"t","Expiration":"tomorrow"})", "its `Expiration` is no time"},
          {"{" + keys + R"(,"Token":"t","Expiration":1767225600})", "its `Expiration` is no string"},
          {"{" + keys + R"(,"Token":["Canary"]})", "its `Token` is no string"},
          {"{" + keys + R"(,"AccessKeyId":"twice"})", "it is not valid JSON"},
          {R"({"AccessKeyId":"A/","SecretAccessKey":"Canary","Token":"t","Expiration":"2026-01-02T00:00:00Z"})",
           "AccessKeyId is no access key ID"},
          {R"({"AccessKeyId":"A","SecretAccessKey":"Can\nary","Token":"t","Expiration":"2026-01-02T00:00:00Z"})",
           "SecretAccessKey is no secret access key"},
          {document("ASIA", "2025-12-31T23:59:59Z"), "its credentials expired at 2025-12-31T23:59:59Z"},
          {document("ASIA", "2026-01-01T00:00:00Z"), "its credentials expired"},
      }) {
    transport.then(200, body);
    const std::string reason = why(*source);
    EXPECT_NE(reason.find("broken: the endpoint's answer: " + said), std::string::npos) << body << reason;
  }
}

}  // namespace
}  // namespace deputy::aws
