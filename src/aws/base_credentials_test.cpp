#include "aws/base_credentials.hpp"

#include "support/manual_loop.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <unistd.h>

#include "aws/endpoints.hpp"
#include "aws/shared_files.hpp"

namespace deputy::aws {
namespace {

class BaseCredentials : public testing::Test {
 protected:
  BaseCredentials() {
    std::string pattern = std::filesystem::temp_directory_path() / "deputy-aws-XXXXXX";
    home = mkdtemp(pattern.data());
    std::filesystem::create_directory(home / ".aws");
    variables["HOME"] = home;
  }
  ~BaseCredentials() override { std::filesystem::remove_all(home); }

  void write(const std::string& file, const std::string& text) const {
    std::ofstream{home / ".aws" / file} << text;
  }
  Environment environment() const {
    return [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    };
  }
  Result<Credentials> get() { return get(*default_credentials(environment())); }
  Result<Credentials> get(CredentialsProvider& provider) { return loop.run(provider.get()); }
  // The detail; nothing in it or the message may show a secret, and all secrets here hold `Canary`.
  std::string failure() {
    const auto result = get();
    if (result.has_value()) return "no failure: " + result.value().access_key_id;
    EXPECT_EQ(result.error().message.find("Canary"), std::string::npos);
    EXPECT_EQ(result.error().detail.find("Canary"), std::string::npos);
    EXPECT_EQ(result.error().kind, ErrorKind::upstream_unavailable);
    return result.error().detail;
  }

  std::filesystem::path home;
  std::map<std::string, std::string> variables;
  FakeClock clock;
  ManualLoop loop{clock};
};

TEST_F(BaseCredentials, ComeFromTheEnvironmentFirst) {
  write("credentials", "[default]\naws_access_key_id = FILE\naws_secret_access_key = x\n");
  variables.insert(
      {{"AWS_ACCESS_KEY_ID", "AKIAENV"}, {"AWS_SECRET_ACCESS_KEY", "s3/+="}, {"AWS_SESSION_TOKEN", "tok"}});
  const auto found = get();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found.value().access_key_id, "AKIAENV");
  EXPECT_EQ(found.value().secret_access_key.reveal(), "s3/+=");
  EXPECT_EQ(found.value().session_token.reveal(), "tok");
  EXPECT_EQ(found.value().expires_at, std::nullopt);
}

TEST_F(BaseCredentials, ABrokenSourceIsTheError) {
  write("credentials", "[default]\naws_access_key_id = FILE\naws_secret_access_key = x\n");
  variables["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  EXPECT_EQ(failure(), "environment: AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
  variables["AWS_SECRET_ACCESS_KEY"] = "Canary with a space";
  EXPECT_EQ(failure(), "environment: AWS_SECRET_ACCESS_KEY is no secret access key");
  variables["AWS_SECRET_ACCESS_KEY"] = "Canary";
  variables["AWS_SESSION_TOKEN"] = "Canary\r\nx: y";
  EXPECT_EQ(failure(), "environment: AWS_SESSION_TOKEN is no session token");
  variables["AWS_SESSION_TOKEN"] = "";
  variables["AWS_ACCESS_KEY_ID"] = "AK/IA";
  EXPECT_EQ(failure(), "environment: AWS_ACCESS_KEY_ID is no access key ID");
  variables["AWS_ACCESS_KEY_ID"] = "";
  EXPECT_EQ(failure(), "environment: AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not");
}

TEST_F(BaseCredentials, ComeFromTheProfile) {
  write("config",
        "# a comment\n; another\n\n[default]\nregion=eu-west-1 ; why\ns3 =\n  max_queue = 1\n  nonsense\n"
        "[ profile  \"other\" ] # why\n REGION = us-east-1\n[profile other]\naws_access_key_id = "
        "CONFIG\n[sso-session x]\na = b\na = c\n");
  write("credentials",
        "[other]\r\naws_access_key_id=AKIAOTHER\r\nAWS_Secret_Access_Key =  Canary#1;2  # "
        "comment\r\n[default]\naws_access_key_id = AKIADEF\n"
        "aws_secret_access_key = Canary\naws_session_token = CanaryToken==");
  EXPECT_EQ(get().value().access_key_id, "AKIADEF");
  EXPECT_EQ(get().value().session_token.reveal(), "CanaryToken==");
  EXPECT_EQ(configured_region(environment()).value()->text(), "eu-west-1");
  variables["AWS_PROFILE"] = "other";
  EXPECT_EQ(get().value().access_key_id, "AKIAOTHER");
  EXPECT_EQ(get().value().secret_access_key.reveal(), "Canary#1;2");
}

TEST_F(BaseCredentials, ComeFromTheFilesThatTheEnvironmentNames) {
  write("mine", "[default]\naws_access_key_id = MINE\naws_secret_access_key = Canary\n");
  variables["AWS_SHARED_CREDENTIALS_FILE"] = "~/.aws/mine";
  EXPECT_EQ(get().value().access_key_id, "MINE");
  write("conf", "[profile p]\naws_access_key_id = CONF\naws_secret_access_key = Canary\n");
  variables["AWS_CONFIG_FILE"] = home / ".aws" / "conf";
  variables["AWS_PROFILE"] = "p";
  EXPECT_EQ(get().value().access_key_id, "CONF");
}

TEST_F(BaseCredentials, AreReadAgainWhenAFileChanges) {
  const auto provider = default_credentials(environment());
  EXPECT_TRUE(get(*provider).has_error());
  write("credentials", "[default]\naws_access_key_id = ONE\naws_secret_access_key = Canary\n");
  EXPECT_EQ(get(*provider).value().access_key_id, "ONE");
  write("next", "[default]\naws_access_key_id = TWO\naws_secret_access_key = Canary\n");
  std::filesystem::last_write_time(home / ".aws/next",
                                   std::filesystem::last_write_time(home / ".aws/credentials"));
  std::filesystem::rename(home / ".aws/next",
                          home / ".aws/credentials");  // same time, same size, another file
  EXPECT_EQ(get(*provider).value().access_key_id, "TWO");
  write("credentials", "[default\n");
  EXPECT_TRUE(get(*provider).has_error());
  write("credentials", "[default]\naws_access_key_id = THREE\naws_secret_access_key = Canary\n");
  EXPECT_EQ(get(*provider).value().access_key_id, "THREE");
}

TEST_F(BaseCredentials, WaysThatAreNotSupportedAreNotSkipped) {
  write("credentials", "[default]\naws_access_key_id = AKIA\naws_secret_access_key = Canary\n[nokeys]\n");
  for (const std::string setting : {"role_arn", "web_identity_token_file", "sso_session", "sso_start_url"}) {
    write("config", "[default]\n" + setting + " = value\n");
    EXPECT_EQ(failure(), "profile `default`: `" + setting +
                             "` is not supported; give the profile static keys, or set AWS_ACCESS_KEY_ID");
  }
  write("config", "[default]\ncredential_process = echo\n[profile nokeys]\ncredential_process = echo\n");
  EXPECT_TRUE(get().has_value());  // keys come before a process, in every SDK
  variables["AWS_PROFILE"] = "nokeys";
  EXPECT_NE(failure().find("`credential_process` is not supported"), std::string::npos);
}

TEST_F(BaseCredentials, WithNoneTheErrorNamesEverySource) {
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
  const std::string reason = failure();
  for (const char* part : {"AWS_ACCESS_KEY_ID is not set", "/.aws/credentials", "/.aws/config",
                           "AWS_CONTAINER_CREDENTIALS_FULL_URI is set, but not supported"}) {
    EXPECT_NE(reason.find(part), std::string::npos) << reason;
  }
  variables.erase("HOME");
  EXPECT_NE(failure().find("HOME is not set"), std::string::npos);
}

TEST_F(BaseCredentials, AnUnknownProfileIsAnError) {
  write("credentials", "[default]\naws_access_key_id = AKIA\naws_secret_access_key = Canary\n");
  variables["AWS_PROFILE"] = "mistyped";
  EXPECT_NE(failure().find("profile `mistyped` (AWS_PROFILE) is neither in"), std::string::npos);
}

TEST_F(BaseCredentials, MalformedLinesAreNamedWithoutTheirContent) {
  const std::string file = home / ".aws/credentials";
  for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{
           {"[default]\n\naws_secret_access_key Canary\n", "line 3: neither a section nor `name = value`"},
           {"aws_secret_access_key = Canary\n[default]\n", "line 1: a setting before the first section"},
           {"[default]\na = b\n[Canary\n", "line 3: a section without its closing `]`"},
           {"[]\n", "line 1: a section without"},
           {"[a[b]]\n", "line 1: a section without a name"},
           {"[default]\n= Canary\n", "line 2: a value without a name"},
           {"[default]\nx = Canary1\nX = Canary2\n", "line 3: a setting that this profile has already"},
       }) {
    write("credentials", text);
    EXPECT_NE(failure().find(file + ", " + expected), std::string::npos) << failure();
  }
  write("credentials", std::string(1024 * 1024 + 1, '#'));
  EXPECT_NE(failure().find("larger than a mebibyte"), std::string::npos);
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_NE(failure().find("cannot be read"), std::string::npos);
}

TEST_F(BaseCredentials, StaticOnesStay) {
  const auto provider = static_credentials({"AKIA", SecretString{"s"}, SecretString{}, std::nullopt});
  EXPECT_EQ(get(*provider).value().access_key_id, "AKIA");
  EXPECT_EQ(get(*provider).value().secret_access_key.reveal(), "s");
}

TEST_F(BaseCredentials, TheRegionIsTheEnvironmentsOrTheProfiles) {
  EXPECT_EQ(configured_region(environment()).value(), std::nullopt);
  write("config", "[default]\nregion = eu-west-1\n");
  EXPECT_EQ(configured_region(environment()).value()->text(), "eu-west-1");
  variables["AWS_DEFAULT_REGION"] = "eu-west-2";
  EXPECT_EQ(configured_region(environment()).value()->text(), "eu-west-2");
  variables["AWS_REGION"] = "eu-west-3";
  EXPECT_EQ(configured_region(environment()).value()->text(), "eu-west-3");
  variables["AWS_REGION"] = "evil.example.com/";
  EXPECT_TRUE(configured_region(environment()).has_error());
}

TEST_F(BaseCredentials, TheProfileMayNameTheEndpoint) {
  const Region region = Region::parse("us-east-1").value();
  write("config", "[default]\nendpoint_url = http://127.0.0.1:1/\n");
  EXPECT_EQ(Endpoints::configured(environment()).value().url("sts", region), "http://127.0.0.1:1");
  variables["AWS_ENDPOINT_URL"] = "http://127.0.0.1:2";
  EXPECT_EQ(Endpoints::configured(environment()).value().url("sts", region), "http://127.0.0.1:2");
  variables.erase("AWS_ENDPOINT_URL");
  for (const char* text :
       {"[default]\nendpoint_url = nowhere\n", "[default]\nservices = mine\n", "[default\n"}) {
    write("config", text);
    EXPECT_TRUE(Endpoints::configured(environment()).has_error()) << text;
  }
}

}  // namespace
}  // namespace deputy::aws
