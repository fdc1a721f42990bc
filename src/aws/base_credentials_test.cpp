#include "aws/base_credentials.hpp"

#include "support/base_credentials_fixture.hpp"

#include "aws/shared_files.hpp"

namespace deputy::aws {
namespace {

using namespace std::chrono_literals;
using Outcome = SourceReport::Outcome;

constexpr const char* file_keys = "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = Canary\n";

class BaseCredentials : public BaseCredentialsFixture {
 protected:
  BaseCredentialsParts parts() {
    return {.loop = loop,
            .clock = clock,
            .random = random,
            .transport = transport,
            .endpoints = endpoints,
            .environment = environment,
            .region = std::nullopt};
  }
  Result<Credentials> get(CredentialsProvider& provider) { return loop.run_through_time(provider.get()); }
  Result<Credentials> get() {
    const auto provider = default_credentials(parts());
    auto got = get(*provider);
    loop.run(provider->stop());
    return got;
  }
  // The key's ID, or the reason why there is none.
  std::string id(CredentialsProvider& provider) {
    const auto got = get(provider);
    if (got) return got.value().access_key_id;
    expect_no_secret(got.error());
    return got.error().detail;
  }
  std::string id() {
    const auto provider = default_credentials(parts());
    std::string told = id(*provider);
    loop.run(provider->stop());
    return told;
  }
  void set_keys() {
    variables["AWS_ACCESS_KEY_ID"] = "AKIAENV";
    variables["AWS_SECRET_ACCESS_KEY"] = "Canary";
  }
  void set_web_identity() {
    write("token", "TokenCanary");
    variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = path("token");
    variables["AWS_ROLE_ARN"] = "arn:aws:iam::999988887777:role/web";
  }
  // Container endpoint, metadata and STS all answer, each as itself.
  void all_answer() {
    transport.otherwise = [this](const HttpRequest& request) -> Result<HttpResponse> {
      const std::string expiration = to_rfc3339(clock.now() + life);
      if (request.url.find("169.254.170.2/") != std::string::npos)
        return HttpResponse{200, {}, document("ASIATASK" + std::to_string(++serial), expiration)};
      if (request.url.ends_with("/latest/api/token")) return HttpResponse{200, {}, "TokenCanary"};
      if (request.url.ends_with("/security-credentials/")) return HttpResponse{200, {}, "r"};
      if (request.url.ends_with("/security-credentials/r"))
        return HttpResponse{200, {}, document("ASIAINSTANCE", expiration)};
      return HttpResponse{200, {}, sts_answer(request.body, expiration)};
    };
  }

  std::chrono::seconds life = 6h;
  int serial = 0;
};

TEST_F(BaseCredentials, ComeInTheOrderThatSdksUse) {
  all_answer();
  set_keys();
  write("credentials", file_keys);
  set_web_identity();
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  EXPECT_EQ(id(), "AKIAENV");
  EXPECT_TRUE(transport.requests.empty());
  variables.erase("AWS_ACCESS_KEY_ID");
  variables.erase("AWS_SECRET_ACCESS_KEY");
  EXPECT_EQ(id(), "AKIAFILE");
  EXPECT_TRUE(transport.requests.empty());
  write("credentials", "");
  EXPECT_EQ(id(), "ASIAweb");
  variables.erase("AWS_WEB_IDENTITY_TOKEN_FILE");
  EXPECT_EQ(id(), "ASIATASK1");
  variables.erase("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  EXPECT_EQ(id(), "ASIAINSTANCE");
}

TEST_F(BaseCredentials, ComeFromTheEnvironmentAsTheyAre) {
  set_keys();
  variables["AWS_SECRET_ACCESS_KEY"] = "s3/+=";
  auto found = get();
  EXPECT_EQ(found.value().secret_access_key.reveal(), "s3/+=");
  EXPECT_FALSE(found.value().may_be_role_session());
  variables["AWS_SESSION_TOKEN"] = "tok";
  found = get();
  EXPECT_EQ(found.value().session_token.reveal(), "tok");
  EXPECT_EQ(found.value().expires_at, std::nullopt);
  EXPECT_TRUE(found.value().may_be_role_session());
  EXPECT_FALSE(found.value().is_role_session);
}

TEST_F(BaseCredentials, ABrokenSourceIsTheErrorAndNoOtherIdentityStepsIn) {
  all_answer();
  variables["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  write("credentials", file_keys);
  EXPECT_EQ(id(), "environment: AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
  variables["AWS_SECRET_ACCESS_KEY"] = "Canary with a space";
  EXPECT_EQ(id(), "environment: AWS_SECRET_ACCESS_KEY is no secret access key");
  variables["AWS_SECRET_ACCESS_KEY"] = "Canary";
  variables["AWS_SESSION_TOKEN"] = "Canary\r\nx: y";
  EXPECT_EQ(id(), "environment: AWS_SESSION_TOKEN is no session token");
  variables["AWS_SESSION_TOKEN"] = "";
  variables["AWS_ACCESS_KEY_ID"] = "AK/IA";
  EXPECT_EQ(id(), "environment: AWS_ACCESS_KEY_ID is no access key ID");
  variables["AWS_ACCESS_KEY_ID"] = "";
  EXPECT_EQ(id(), "environment: AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not");
  variables["AWS_SECRET_ACCESS_KEY"] = "";

  write("credentials", "[default]\naws_access_key_id = AKIA\n");
  EXPECT_EQ(id().find("shared files: profile `default`: aws_access_key_id is set"), 0U);
  write("credentials", "");
  set_web_identity();
  write("token", "");
  EXPECT_EQ(id().find("web identity: the token file"), 0U);
  variables.erase("AWS_WEB_IDENTITY_TOKEN_FILE");
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/";
  EXPECT_EQ(id().find("container: AWS_CONTAINER_CREDENTIALS_FULL_URI: plain http"), 0U);
  EXPECT_TRUE(transport.requests.empty());
}

TEST_F(BaseCredentials, WithNoneTheErrorNamesEverySource) {
  const std::string reason = id();
  for (const char* part :
       {"environment: AWS_ACCESS_KEY_ID is not set; shared files: no profile `default` in ",
        "/.aws/credentials", "/.aws/config",
        "; web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; container: ",
        "; instance metadata: the metadata service gave no answer"}) {
    EXPECT_NE(reason.find(part), std::string::npos) << reason;
  }
  variables.erase("HOME");
  EXPECT_NE(id().find("HOME is not set"), std::string::npos);
}

TEST_F(BaseCredentials, OnceASourceServedNoOtherStepsIn) {
  all_answer();
  write("credentials", file_keys);
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  const auto provider = default_credentials(parts());
  EXPECT_EQ(id(*provider), "AKIAFILE");
  write("credentials", "");
  loop.advance(14min);
  EXPECT_EQ(id(*provider), "AKIAFILE") << "kept for a quarter of an hour";
  loop.advance(2min);
  EXPECT_EQ(id(*provider).find("shared files: gave the credentials before, but no longer: "), 0U);
  EXPECT_TRUE(transport.requests.empty());
  write("credentials", file_keys);
  loop.advance(5s);
  EXPECT_EQ(id(*provider), "AKIAFILE");
  loop.run(provider->stop());
}

TEST_F(BaseCredentials, AreReadAgainWhenAFileChanges) {
  const auto provider = default_credentials(parts());
  EXPECT_NE(id(*provider).find("no profile"), std::string::npos);
  write("credentials", file_keys);
  loop.advance(5s);
  EXPECT_EQ(id(*provider), "AKIAFILE");
  write("credentials", "[default]\naws_access_key_id = AKIATWO\naws_secret_access_key = Canary\n");
  loop.advance(31s);
  EXPECT_EQ(id(*provider), "AKIATWO");
  write("credentials", "[default\n");
  loop.advance(31s);
  EXPECT_EQ(id(*provider), "AKIATWO") << "somebody is writing";
  loop.run(provider->stop());
}

TEST_F(BaseCredentials, SessionsAreRenewedAheadAndKeptWhenThatFails) {
  all_answer();
  life = 1h;
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  const auto provider = default_credentials(parts());
  EXPECT_EQ(id(*provider), "ASIATASK1");
  loop.advance(40min);
  EXPECT_EQ(id(*provider), "ASIATASK1");
  EXPECT_EQ(serial, 1);
  transport.otherwise = FakeTransport::always(500, "Canary");
  loop.advance(6min);
  EXPECT_EQ(id(*provider), "ASIATASK1");
  loop.advance(13min + 55s);
  EXPECT_EQ(id(*provider), "ASIATASK1") << "the last seconds";
  loop.advance(5s);
  EXPECT_EQ(id(*provider), "container: the endpoint answered 500");
  all_answer();
  loop.advance(5s);
  EXPECT_EQ(id(*provider), "ASIATASK2");
  loop.run(provider->stop());
}

TEST_F(BaseCredentials, StoppingEndsAProcessThatRuns) {
  write("config", "[default]\ncredential_process = /bin/sleep 60\n");
  const auto provider = default_credentials(parts());
  std::string reason;
  TaskGroup asking;
  const auto ask = [](CredentialsProvider& asked, std::string& told) -> Task<void> {
    const auto got = co_await asked.get();
    told = got ? "credentials" : got.error().detail;
  };
  asking.spawn(ask(*provider, reason));
  loop.run(provider->stop());
  loop.run(asking.join());
  EXPECT_NE(reason.find("since the service stops"), std::string::npos) << reason;
}

TEST_F(BaseCredentials, AreExplained) {
  all_answer();
  variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  const BaseCredentialsParts asked = parts();
  auto report = loop.run_through_time(explain_base_credentials(asked, {}));
  ASSERT_EQ(report.sources.size(), 5U);
  const std::vector<Outcome> expected{Outcome::not_configured, Outcome::not_configured,
                                      Outcome::not_configured, Outcome::won, Outcome::not_asked};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(report.sources[i].outcome, expected[i]) << i;
  EXPECT_EQ(report.sources[4].reason, "container comes first");
  EXPECT_EQ(report.access_key_id, "ASIATASK1");
  EXPECT_EQ(report.expires_at, clock.now() + 6h);
  EXPECT_TRUE(report.may_be_role_session);
  write("config", "[default\n");
  report = loop.run_through_time(explain_base_credentials(asked, {}));
  EXPECT_EQ(report.sources[1].outcome, Outcome::broken);
  EXPECT_NE(report.sources[1].reason.find("config, line 1: a section without its closing `]`"),
            std::string::npos);
  EXPECT_EQ(report.sources[3].outcome, Outcome::not_asked);
  EXPECT_EQ(report.access_key_id, "");
}

TEST_F(BaseCredentials, StaticOnesStay) {
  const auto provider = static_credentials({"AKIA", SecretString{"s"}, SecretString{}, std::nullopt});
  EXPECT_EQ(get(*provider).value().access_key_id, "AKIA");
  EXPECT_EQ(get(*provider).value().secret_access_key.reveal(), "s");
}

}  // namespace
}  // namespace deputy::aws
