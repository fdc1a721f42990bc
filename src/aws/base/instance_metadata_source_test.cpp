#include "support/loopback_sources.hpp"

namespace deputy::aws {
namespace {

constexpr const char* roles = "/latest/meta-data/iam/security-credentials/";

// EC2's metadata service, version 2, as it is documented: a token by PUT with a life in seconds, and 401 for
// whoever comes without a token that it gave.
class MetadataService {
 public:
  std::string operator()(const std::string& request) {
    const std::lock_guard lock{mutex_};
    if (request.starts_with("PUT /latest/api/token ")) {
      if (request.find("x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n") == std::string::npos)
        return LoopbackServer::response("400 Bad Request", "");
      return LoopbackServer::ok(token_);
    }
    if (request.find("x-aws-ec2-metadata-token: " + token_ + "\r\n") == std::string::npos)
      return LoopbackServer::response("401 Unauthorized", "");
    if (request.starts_with(std::string{"GET "} + roles + " ")) return LoopbackServer::ok("deputy-broker");
    if (request.starts_with(std::string{"GET "} + roles + "deputy-broker "))
      return LoopbackServer::ok(answer);
    return LoopbackServer::response("404 Not Found", "");
  }
  void restart() {
    const std::lock_guard lock{mutex_};
    token_ = "TokenCanary2";
  }
  std::string answer;

 private:
  std::mutex mutex_;
  std::string token_ = "TokenCanary1";
};

class InstanceMetadataSourceTest : public LoopbackSourcesFixture {
 protected:
  const std::unique_ptr<CredentialSource> source = instance_metadata_source(context);
};

TEST_F(InstanceMetadataSourceTest, AsksWithATokenOverTheWire) {
  MetadataService service;
  service.answer = document("ASIAINSTANCE");
  LoopbackServer server{recording(std::ref(service))};
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server.url() + "/";
  const auto real_source = instance_metadata_source(real_context);
  const Credentials got = fetch_really(*real_source);
  EXPECT_EQ(got.access_key_id, "ASIAINSTANCE");
  EXPECT_EQ(got.session_token.reveal(), "TokenCanary==");
  EXPECT_EQ(got.expires_at, clock.now() + std::chrono::hours{6});
  EXPECT_TRUE(got.is_role_session);
  EXPECT_EQ(requests().size(), 3U);
  EXPECT_EQ(fetch_really(*real_source).access_key_id, "ASIAINSTANCE");
  EXPECT_EQ(requests().size(), 5U) << "the token serves again";
  service.restart();
  EXPECT_EQ(fetch_really(*real_source).access_key_id, "ASIAINSTANCE")
      << "a token that is not taken is renewed";
  EXPECT_EQ(requests().size(), 9U);
  clock.advance(std::chrono::hours{5} + std::chrono::minutes{59} + std::chrono::seconds{30});
  service.answer = document("ASIANEXT", "2026-01-01T12:00:00Z");
  EXPECT_EQ(fetch_really(*real_source).access_key_id, "ASIANEXT");
  EXPECT_TRUE(requests().at(9).starts_with("PUT ")) << "a token that ends is renewed before";
}

TEST_F(InstanceMetadataSourceTest, ThereIsNoWayBackToVersion1) {
  // A service that would answer without a token.
  LoopbackServer server{recording([](const std::string& request) {
    if (request.starts_with("PUT ")) return LoopbackServer::response("403 Forbidden", "");
    return LoopbackServer::ok(document("ASIAVERSION1"));
  })};
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server.url();
  EXPECT_EQ(fetch_really(*instance_metadata_source(real_context)).access_key_id,
            "not configured: the metadata service gives no tokens (403): it is switched off for this "
            "instance, or this is no EC2 instance");
  EXPECT_EQ(requests().size(), 1U);
}

TEST_F(InstanceMetadataSourceTest, WhereItIsSwitchedOffNothingIsBroken) {
  for (const int status : {403, 404, 405}) {
    transport.then(status, "Canary");
    const std::string reason = why(*source);
    EXPECT_TRUE(reason.starts_with("not configured: the metadata service gives no tokens")) << reason;
    EXPECT_EQ(reason.find("Canary"), std::string::npos);
  }
  transport.then(400, "");
  EXPECT_EQ(why(*source), "broken: the metadata service gave no token (400); version 2 of it is needed");
}

TEST_F(InstanceMetadataSourceTest, CanBeSwitchedOff) {
  for (const char* value : {"true", "TRUE", "True"}) {
    variables["AWS_EC2_METADATA_DISABLED"] = value;
    EXPECT_EQ(why(*source), "not configured: AWS_EC2_METADATA_DISABLED is set");
  }
  EXPECT_TRUE(transport.requests.empty());
}

TEST_F(InstanceMetadataSourceTest, ElsewhereNobodyAnswersAndThatIsNoFault) {
  const std::string reason = why(*source);
  EXPECT_NE(reason.find("not configured: the metadata service gave no answer: ConnectionFailed"),
            std::string::npos);
  EXPECT_NE(reason.find("hop limit"), std::string::npos);
  ASSERT_EQ(transport.requests.size(), 2U);
  for (const HttpRequest& request : transport.requests) {
    EXPECT_EQ(request.url, "http://169.254.169.254/latest/api/token");
    EXPECT_TRUE(request.direct);
    EXPECT_LE(request.timeout, std::chrono::seconds{1});
  }
}

TEST_F(InstanceMetadataSourceTest, TheEndpointIsTheEnvironmentsOrTheProfiles) {
  const auto asked = [this] {
    transport.requests.clear();
    why(*source);
    return transport.requests.empty() ? "" : transport.requests.at(0).url;
  };
  write("config", "[default]\nec2_metadata_service_endpoint_mode = IPv6\n");
  EXPECT_EQ(asked(), "http://[fd00:ec2::254]/latest/api/token");
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] = "ipv4";
  EXPECT_EQ(asked(), "http://169.254.169.254/latest/api/token");
  write("config", "[default]\nec2_metadata_service_endpoint = http://127.0.0.1:1\n");
  EXPECT_EQ(asked(), "http://127.0.0.1:1/latest/api/token");
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:2//";
  EXPECT_EQ(asked(), "http://127.0.0.1:2/latest/api/token");
  for (const char* bad :
       {"nowhere", "ftp://a", "http://", "http:///x", "http://a b", "http://u@h", "http://h?q"}) {
    variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = bad;
    EXPECT_EQ(asked(), "") << bad;
    EXPECT_NE(why(*source).find("broken: AWS_EC2_METADATA_SERVICE_ENDPOINT is no address"),
              std::string::npos);
  }
  variables.erase("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  write("config", "");
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] = "ipv5";
  EXPECT_NE(why(*source).find("neither `IPv4` nor `IPv6`"), std::string::npos);
}

TEST_F(InstanceMetadataSourceTest, MisbehaviourHasAReasonEach) {
  struct Case {
    int status;
    std::string roles_answer;
    std::string body;
    std::string said;
  };
  for (const auto& [status, roles_answer, body, said] : std::vector<Case>{
           {404, "", "", "not configured: this instance has no role"},
           {200, "", "", "broken: the metadata service named no role"},
           {200, "../../user-data", "", "broken: the metadata service named no role"},
           {200, "<html>Canary</html>", "", "broken: the metadata service named no role"},
           {302, "", "", "broken: the metadata service answered 302"},
           {200, "r\nother", document("ASIA", "2026-01-01T06:00:00Z", "AssumeRoleUnauthorizedAccess"),
            "broken: the answer for `r`: its `Code` is `AssumeRoleUnauthorizedAccess`, not `Success`"},
           {200, "r", document("ASIA", "2026-01-01T06:00:00Z", "Canary or so"), "its `Code` is another"},
           {200, "r", "{}", "it has no `Token`"},
           {200, "r", "garbage Canary", "it is not valid JSON"},
           {200, "r", document("ASIA", "2025-12-31T00:00:00Z"), "its credentials expired"},
       }) {
    const auto fresh = instance_metadata_source(context);
    transport.then(200, "TokenCanary");
    transport.then(status, roles_answer);
    transport.then(200, body);
    EXPECT_NE(why(*fresh).find(said), std::string::npos) << said;
    transport.answers.clear();
  }
  for (const std::string token : {"", "two words", "line\r\nx: y"}) {
    transport.then(200, token);
    EXPECT_NE(why(*source).find("gave no token (200)"), std::string::npos) << token;
  }
}

TEST_F(InstanceMetadataSourceTest, WhatMayPassIsAskedOnceMore) {
  transport.then(500, "");
  transport.then(200, "TokenCanary");
  transport.then_no_answer("Timeout");
  transport.then(200, "r");
  transport.then(503, "");
  transport.then(200, document("ASIA"));
  EXPECT_EQ(why(*source), "ASIA");
  transport.then(200, "r");
  transport.then(503, "");
  transport.then(503, "");
  EXPECT_EQ(why(*source), "broken: the metadata service answered 503");
}

}  // namespace
}  // namespace deputy::aws
