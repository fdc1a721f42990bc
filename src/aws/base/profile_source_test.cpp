#include "support/loopback_sources.hpp"

#include <sys/stat.h>

namespace deputy::aws {
namespace {

constexpr const char* keys_section = "aws_access_key_id = AKIAKEYS\naws_secret_access_key = Canary\n";
constexpr const char* role_section = "role_arn = arn:aws:iam::999988887777:role/team/broker\n";

class ProfileSourceTest : public LoopbackSourcesFixture {
 protected:
  std::string script(const std::string& name, const std::string& body) {
    write(name, "#!/bin/sh\n" + body);
    EXPECT_EQ(chmod(path(name).c_str(), 0700), 0);
    return path(name);
  }
  const std::unique_ptr<CredentialSource> source = profile_source(context);
};

TEST_F(ProfileSourceTest, KeysAreLookedAtAgain) {
  write("credentials", std::string{"[default]\n"} + keys_section);
  const auto found = loop.run(source->fetch({}));
  EXPECT_EQ(std::get<Supply>(found.value()).look_again_after, std::chrono::seconds{10});
  EXPECT_EQ(why(*source), "AKIAKEYS");
  write("credentials", "[default]\naws_access_key_id = AKIANEXT\naws_secret_access_key = Canary\n");
  EXPECT_EQ(why(*source), "AKIANEXT");
}

TEST_F(ProfileSourceTest, AProfileWithoutCredentialsIsNotConfiguredAndAnUnknownOneIsBroken) {
  write("config", "[default]\nregion = eu-west-1\n");
  EXPECT_NE(why(*source).find("not configured: profile `default` says nothing of credentials"),
            std::string::npos);
  variables["AWS_PROFILE"] = "mistyped";
  EXPECT_NE(why(*source).find("broken: profile `mistyped` (AWS_PROFILE) is neither in"), std::string::npos);
  variables.erase("AWS_PROFILE");
  variables.erase("HOME");
  EXPECT_EQ(why(*source), "not configured: HOME is not set");
}

TEST_F(ProfileSourceTest, RolesAreAssumedOneAfterTheOtherOverTheWire) {
  LoopbackServer server{
      recording([](const std::string& request) { return LoopbackServer::ok(sts_answer(body_of(request))); })};
  real_endpoints = Endpoints::at(server.url());
  write("config",
        std::string{"[default]\nregion = eu-west-3\nexternal_id = id-1\nduration_seconds = 900\n"} +
            role_section +
            "source_profile = middle\n[profile middle]\nrole_arn = arn:aws:iam::111122223333:role/middle\n"
            "role_session_name = me\nsource_profile = end\n[profile end]\n" +
            keys_section);
  const auto real_source = profile_source(real_context);
  const Credentials got = fetch_really(*real_source);
  EXPECT_EQ(got.access_key_id, "ASIAbroker");
  EXPECT_TRUE(got.is_role_session);
  EXPECT_EQ(got.expires_at, clock.now() + std::chrono::hours{1});
  ASSERT_EQ(requests().size(), 2U);
  EXPECT_TRUE(has(requests().at(0), "Credential=AKIAKEYS/20260101/eu-west-3/sts/")) << requests().at(0);
  EXPECT_EQ(parameter(body_of(requests().at(0)), "RoleSessionName"), "me");
  EXPECT_EQ(parameter(body_of(requests().at(0)), "ExternalId"), "-");
  EXPECT_TRUE(has(requests().at(1), "Credential=ASIAmiddle/")) << requests().at(1);
  EXPECT_TRUE(has(requests().at(1), "x-amz-security-token: TokenCanary"));
  EXPECT_EQ(parameter(body_of(requests().at(1)), "RoleArn"), "arn:aws:iam::999988887777:role/team/broker");
  EXPECT_EQ(parameter(body_of(requests().at(1)), "RoleSessionName"), "deputy");
  EXPECT_EQ(parameter(body_of(requests().at(1)), "ExternalId"), "id-1");
  EXPECT_EQ(parameter(body_of(requests().at(1)), "DurationSeconds"), "900");
}

TEST_F(ProfileSourceTest, AnotherStsErrorIsTheReason) {
  write("config",
        std::string{"[default]\nsource_profile = end\n"} + role_section + "[profile end]\n" + keys_section);
  transport.otherwise = FakeTransport::always(403, sts_error("AccessDenied", "User: x is not authorized"));
  EXPECT_EQ(why(*source),
            "broken: profile `default`: sts:AssumeRole of arn:aws:iam::999988887777:role/team/broker: "
            "`AccessDenied` (403), request `req-e`: `User: x is not authorized`");
  transport.otherwise = nullptr;
  EXPECT_NE(why(*source).find("`ConnectionFailed`"), std::string::npos);
}

TEST_F(ProfileSourceTest, TheSourceOfARoleMayBeTheEnvironmentTheContainerOrTheInstance) {
  sts_consents();
  const auto with = [&](const std::string& name) {
    write("config", std::string{"[default]\n"} + role_section + "credential_source = " + name + "\n");
  };
  with("Environment");
  EXPECT_EQ(why(*source), "broken: `credential_source`, environment: AWS_ACCESS_KEY_ID is not set");
  variables["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  variables["AWS_SECRET_ACCESS_KEY"] = "Canary";
  EXPECT_EQ(why(*source), "ASIAbroker");
  EXPECT_TRUE(has(header_of(transport.requests.at(0), "authorization"), "Credential=AKIAENV/"));

  with("EcsContainer");
  EXPECT_NE(why(*source).find("broken: `credential_source`, container: AWS_CONTAINER"), std::string::npos);
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  transport.requests.clear();
  transport.then(200, document("ASIATASK"));
  EXPECT_EQ(why(*source), "ASIAbroker");
  EXPECT_TRUE(has(header_of(transport.requests.at(1), "authorization"), "Credential=ASIATASK/"));

  with("Ec2InstanceMetadata");
  transport.requests.clear();
  transport.then(200, "TokenCanary");
  transport.then(200, "r");
  transport.then(200, document("ASIAINSTANCE"));
  EXPECT_EQ(why(*source), "ASIAbroker");
  EXPECT_TRUE(has(header_of(transport.requests.at(3), "authorization"), "Credential=ASIAINSTANCE/"));
  variables["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_NE(why(*source).find("broken: `credential_source`, instance metadata: AWS_EC2"), std::string::npos);
}

TEST_F(ProfileSourceTest, ARoleOfARoleLastsAnHourAtMost) {
  sts_consents();
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  write("config", std::string{"[default]\n"} + role_section +
                      "credential_source = EcsContainer\nduration_seconds = 7200\n");
  transport.then(200, document("ASIATASK"));
  EXPECT_NE(why(*source).find("`duration_seconds` is at most 3600"), std::string::npos);
  write("config", std::string{"[default]\n"} + role_section +
                      "source_profile = b\nduration_seconds = 7200\n[profile b]\n" + keys_section);
  EXPECT_EQ(why(*source), "ASIAbroker");
}

TEST_F(ProfileSourceTest, AWebIdentityMayBeInTheProfile) {
  sts_consents();
  write("token", "TokenCanary");
  write("config", std::string{"[default]\n"} + role_section + "web_identity_token_file = " + path("token") +
                      "\nrole_session_name = pod\n");
  EXPECT_EQ(why(*source), "ASIAbroker");
  EXPECT_EQ(parameter(transport.requests.at(0).body, "Action"), "AssumeRoleWithWebIdentity");
  EXPECT_EQ(parameter(transport.requests.at(0).body, "WebIdentityToken"), "TokenCanary");
  EXPECT_EQ(parameter(transport.requests.at(0).body, "RoleSessionName"), "pod");
  EXPECT_EQ(header_of(transport.requests.at(0), "authorization"), "");
}

TEST_F(ProfileSourceTest, AProcessGivesCredentials) {
  const std::string program =
      script("get", "echo '" +
                        process_document("AKIAPROC", R"(,"SessionToken":"TokenCanary","AccountId":"1",)"
                                                     R"("Expiration":"2026-01-01T02:00:00+01:00")") +
                        "'");
  write("config", "[default]\ncredential_process = '" + program + "' one\n");
  const Credentials got = fetch(*source);
  EXPECT_EQ(got.access_key_id, "AKIAPROC");
  EXPECT_EQ(got.session_token.reveal(), "TokenCanary");
  EXPECT_EQ(got.expires_at, clock.now() + std::chrono::hours{1});
  EXPECT_FALSE(got.is_role_session);
  EXPECT_TRUE(got.may_be_role_session());
}

TEST_F(ProfileSourceTest, WhatAProcessGivesWithoutAnExpiryStays) {
  write("config", "[default]\ncredential_process = " +
                      script("get", "echo '" + process_document("AKIAPROC") + "'") + "\n");
  const auto found = loop.run(source->fetch({}));
  EXPECT_EQ(std::get<Supply>(found.value()).look_again_after, std::nullopt);
  EXPECT_FALSE(std::get<Supply>(found.value()).credentials.may_be_role_session());
}

TEST_F(ProfileSourceTest, AProcessThatFailsIsTheReasonWithoutItsSecrets) {
  const auto with = [&](const std::string& body) {
    write("config", "[default]\ncredential_process = " + script("get", body) + "\n");
    return why(*source);
  };
  const std::string where = "broken: profile `default`, `credential_process`";
  EXPECT_EQ(with("echo SecretCanary; echo 'sign in: SecretCanaryIsLongEnough' >&2; exit 1"),
            where + ": the process ended with status 1: `sign in: [...]`");
  EXPECT_EQ(with("echo SecretCanary"), where + ", what it wrote: it is not valid JSON");
  EXPECT_EQ(with("exit 0"), where + ", what it wrote: it is not valid JSON");
  EXPECT_EQ(with("echo '{}'"), where + ", what it wrote: its `Version` is not 1");
  EXPECT_EQ(with("echo '{\"Version\":2}'"), where + ", what it wrote: its `Version` is not 1");
  EXPECT_EQ(with("echo '{\"Version\":1}'"), where + ", what it wrote: it has no `AccessKeyId`");
  EXPECT_NE(with("echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"Canary\",\"Expiration\":"
                 "\"2025-01-01T00:00:00Z\"}'")
                .find("its credentials expired"),
            std::string::npos);
  EXPECT_EQ(with("exec head -c 70000 /dev/zero"), where + ": the process wrote more than 65536 bytes");
}

TEST_F(ProfileSourceTest, NoShellReadsTheCommand) {
  const std::string canary = path("canary");
  write("config",
        "[default]\ncredential_process = /bin/echo $(touch " + canary + ") ; touch " + canary + "\n");
  EXPECT_NE(why(*source).find("what it wrote: it is not valid JSON"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(canary));
}

}  // namespace
}  // namespace deputy::aws
