#include "support/loopback_sources.hpp"

#include <filesystem>
#include <sys/stat.h>

namespace deputy::aws {
namespace {

class WebIdentitySourceTest : public LoopbackSourcesFixture {
 protected:
  WebIdentitySourceTest() {
    write("token", "eyJhbGciOi.TokenCanary-1_x\n");
    variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = path("token");
    variables["AWS_ROLE_ARN"] = "arn:aws:iam::999988887777:role/eks/deputy";
  }
  const std::unique_ptr<CredentialSource> source = web_identity_source(context);
};

TEST_F(WebIdentitySourceTest, AsksStsWithoutASignatureOverTheWire) {
  LoopbackServer server{
      recording([](const std::string& request) { return LoopbackServer::ok(sts_answer(body_of(request))); })};
  real_endpoints = Endpoints::at(server.url());
  variables["AWS_ROLE_SESSION_NAME"] = "pod-7";
  const auto real_source = web_identity_source(real_context);
  const Credentials got = fetch_really(*real_source);
  EXPECT_EQ(got.access_key_id, "ASIAdeputy");
  EXPECT_TRUE(got.is_role_session);
  EXPECT_EQ(got.expires_at, clock.now() + std::chrono::hours{1});
  const std::string request = requests().at(0);
  EXPECT_FALSE(has(request, "uthorization:")) << request;
  const std::string body = body_of(request);
  EXPECT_EQ(parameter(body, "Action"), "AssumeRoleWithWebIdentity");
  EXPECT_EQ(parameter(body, "Version"), "2011-06-15");
  EXPECT_EQ(parameter(body, "RoleArn"), "arn:aws:iam::999988887777:role/eks/deputy");
  EXPECT_EQ(parameter(body, "RoleSessionName"), "pod-7");
  EXPECT_EQ(parameter(body, "WebIdentityToken"), "eyJhbGciOi.TokenCanary-1_x");
  EXPECT_EQ(parameter(body, "DurationSeconds"), "3600");
  write("token", "TokenCanary2");  // its writer replaced it
  EXPECT_EQ(fetch_really(*real_source).access_key_id, "ASIAdeputy");
  EXPECT_EQ(parameter(body_of(requests().at(1)), "WebIdentityToken"), "TokenCanary2");
}

TEST_F(WebIdentitySourceTest, TheRegionIsTheConfiguredOneOrThePartitionsHome) {
  sts_consents();
  EXPECT_EQ(why(*source), "ASIAdeputy");
  EXPECT_EQ(transport.requests.at(0).url, "https://sts.us-east-1.amazonaws.com/");
  variables["AWS_REGION"] = "eu-west-3";
  EXPECT_EQ(why(*source), "ASIAdeputy");
  EXPECT_EQ(transport.requests.at(1).url, "https://sts.eu-west-3.amazonaws.com/");
  SourceContext told_where = context;
  told_where.region = Region::parse("ap-south-1").value();
  EXPECT_EQ(why(*web_identity_source(told_where)), "ASIAdeputy");
  EXPECT_EQ(transport.requests.at(2).url, "https://sts.ap-south-1.amazonaws.com/");
  variables["AWS_REGION"] = "evil.example.com/";
  EXPECT_NE(why(*source).find("broken: the Region: AWS_REGION"), std::string::npos);
}

TEST_F(WebIdentitySourceTest, WhatStsSaysIsTheReasonWithoutTheToken) {
  write("token", "TokenCanary1");
  transport.otherwise =
      FakeTransport::always(400, sts_error("ExpiredTokenException", "Token expired: yesterday"));
  EXPECT_EQ(why(*source),
            "broken: sts:AssumeRoleWithWebIdentity of arn:aws:iam::999988887777:role/eks/deputy: "
            "`ExpiredTokenException` (400), request `req-e`: `Token expired: yesterday`");
  transport.otherwise = FakeTransport::always(400, sts_error("InvalidIdentityToken", "bad: TokenCanary1"));
  EXPECT_NE(why(*source).find("`withheld, since it repeats a secret`"), std::string::npos);
  for (const std::string body : {"", "Canary", "<AssumeRoleWithWebIdentityResponse/>"}) {
    transport.otherwise = FakeTransport::always(200, body);
    EXPECT_NE(why(*source).find("`MalformedResponse`"), std::string::npos);
  }
  transport.otherwise = [](const HttpRequest& request) -> Result<HttpResponse> {
    return HttpResponse{200, {}, sts_answer(request.body, "2025-12-31T00:00:00Z")};
  };
  EXPECT_NE(why(*source).find("have expired"), std::string::npos);
  transport.otherwise = [](const HttpRequest& request) -> Result<HttpResponse> {
    std::string body = sts_answer(request.body);
    body.replace(body.find("assumed-role/deputy"), 19, "assumed-role/others");
    return HttpResponse{200, {}, body};
  };
  EXPECT_NE(why(*source).find("about another role"), std::string::npos);
}

TEST_F(WebIdentitySourceTest, HalfConfiguredIsBroken) {
  sts_consents();
  variables.erase("AWS_ROLE_ARN");
  EXPECT_EQ(why(*source), "broken: AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
  variables["AWS_ROLE_ARN"] = "arn:aws:iam::999988887777:user/x";
  EXPECT_NE(why(*source).find("broken: AWS_ROLE_ARN: "), std::string::npos);
  variables["AWS_ROLE_ARN"] = "arn:aws:iam::999988887777:role/r";
  variables["AWS_ROLE_SESSION_NAME"] = "a b";
  EXPECT_NE(why(*source).find("broken: AWS_ROLE_SESSION_NAME: "), std::string::npos);
  variables.erase("AWS_ROLE_SESSION_NAME");
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = path("missing");
  EXPECT_NE(why(*source).find("is not there"), std::string::npos);
  variables.erase("AWS_WEB_IDENTITY_TOKEN_FILE");
  EXPECT_EQ(why(*source), "not configured: AWS_WEB_IDENTITY_TOKEN_FILE is not set");
  EXPECT_TRUE(transport.requests.empty());
}

TEST_F(WebIdentitySourceTest, HostileTokenFilesAreRefused) {
  sts_consents();
  for (const std::string& text :
       std::vector<std::string>{"", "\n", "abc", "Canary with a space", "Canary&RoleArn=x",
                                std::string("Canary\0x", 8), std::string(20'001, 'x')}) {
    write("token", text);
    EXPECT_NE(why(*source).find("broken: the token file"), std::string::npos) << text.size();
  }
  std::filesystem::remove(path("token"));
  ASSERT_EQ(mkfifo(path("token").c_str(), 0600), 0);  // nobody writes: opening it would wait for ever
  EXPECT_NE(why(*source).find("is no regular file"), std::string::npos);
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/dev/zero";
  EXPECT_NE(why(*source).find("is no regular file"), std::string::npos);
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = folder.path();
  EXPECT_NE(why(*source).find("is no regular file"), std::string::npos);
  EXPECT_TRUE(transport.requests.empty());
}

}  // namespace
}  // namespace deputy::aws
