#include "aws/shared_files.hpp"

#include "support/base_credentials_fixture.hpp"

#include <filesystem>

namespace deputy::aws {
namespace {

class SharedFiles : public BaseCredentialsFixture {
 protected:
  std::string setting(const std::string& name) {
    const auto profile = read_profile(environment);
    if (!profile) {
      EXPECT_EQ(profile.error().message.find("Canary"), std::string::npos);
      return profile.error().message;
    }
    if (!profile.value()) return "no profile";
    const std::string* value = profile.value()->find(name);
    return value != nullptr ? *value : "not set";
  }
};

TEST_F(SharedFiles, ProfilesAreReadFromBoth) {
  write("config",
        "# a comment\n; another\n\n[default]\nregion=eu-west-1 ; why\ns3 =\n  max_queue = 1\n  nonsense\n"
        "[ profile  \"other\" ] # why\n REGION = us-east-1\n[profile other]\naws_access_key_id = "
        "CONFIG\n[sso-session x]\na = b\na = c\n");
  write("credentials",
        "[other]\r\naws_access_key_id=AKIAOTHER\r\nAWS_Secret_Access_Key =  Canary#1;2  # "
        "comment\r\n[default]\naws_access_key_id = AKIADEF\n"
        "aws_secret_access_key = Canary\naws_session_token = CanaryToken==");
  EXPECT_EQ(setting("aws_access_key_id"), "AKIADEF");
  EXPECT_EQ(setting("aws_session_token"), "CanaryToken==");
  EXPECT_EQ(configured_region(environment).value()->text(), "eu-west-1");
  variables["AWS_PROFILE"] = "other";
  EXPECT_EQ(setting("aws_access_key_id"), "AKIAOTHER");
  EXPECT_EQ(setting("aws_secret_access_key"), "Canary#1;2");
  EXPECT_EQ(setting("region"), "us-east-1");
}

TEST_F(SharedFiles, AreThoseThatTheEnvironmentNames) {
  write("mine", "[default]\naws_access_key_id = MINE\n");
  variables["AWS_SHARED_CREDENTIALS_FILE"] = "~/.aws/mine";
  EXPECT_EQ(setting("aws_access_key_id"), "MINE");
  write("conf", "[profile p]\naws_access_key_id = CONF\n");
  variables["AWS_CONFIG_FILE"] = path("conf");
  variables["AWS_PROFILE"] = "p";
  EXPECT_EQ(setting("aws_access_key_id"), "CONF");
}

TEST_F(SharedFiles, AnUnknownProfileIsAnErrorUnlessNobodyAskedForIt) {
  EXPECT_EQ(setting("region"), "no profile");
  variables["AWS_PROFILE"] = "mistyped";
  EXPECT_EQ(setting("region").find("profile `mistyped` (AWS_PROFILE) is neither in"), 0U);
}

TEST_F(SharedFiles, MalformedLinesAreNamedWithoutTheirContent) {
  const std::string file = path("credentials");
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
    EXPECT_NE(setting("x").find(file + ", " + expected), std::string::npos) << setting("x");
  }
  write("credentials", std::string(1024 * 1024 + 1, '#'));
  EXPECT_NE(setting("x").find("larger than 1048576 bytes"), std::string::npos);
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_NE(setting("x").find("is no regular file"), std::string::npos);
}

TEST_F(SharedFiles, TheRegionIsTheEnvironmentsOrTheProfiles) {
  EXPECT_EQ(configured_region(environment).value(), std::nullopt);
  write("config", "[default]\nregion = eu-west-1\n");
  EXPECT_EQ(configured_region(environment).value()->text(), "eu-west-1");
  variables["AWS_DEFAULT_REGION"] = "eu-west-2";
  EXPECT_EQ(configured_region(environment).value()->text(), "eu-west-2");
  variables["AWS_REGION"] = "eu-west-3";
  EXPECT_EQ(configured_region(environment).value()->text(), "eu-west-3");
  variables["AWS_REGION"] = "evil.example.com/";
  EXPECT_TRUE(configured_region(environment).has_error());
}

TEST_F(SharedFiles, TheProfileMayNameTheEndpoint) {
  const Region region = Region::parse("us-east-1").value();
  write("config", "[default]\nendpoint_url = http://127.0.0.1:1/\n");
  EXPECT_EQ(Endpoints::configured(environment).value().url("sts", region), "http://127.0.0.1:1");
  variables["AWS_ENDPOINT_URL"] = "http://127.0.0.1:2";
  EXPECT_EQ(Endpoints::configured(environment).value().url("sts", region), "http://127.0.0.1:2");
  variables.erase("AWS_ENDPOINT_URL");
  for (const char* text :
       {"[default]\nendpoint_url = nowhere\n", "[default]\nservices = mine\n", "[default\n"}) {
    write("config", text);
    EXPECT_TRUE(Endpoints::configured(environment).has_error()) << text;
  }
}

}  // namespace
}  // namespace deputy::aws
