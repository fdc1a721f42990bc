#include "aws/base/profile_plan.hpp"

#include "support/base_credentials_fixture.hpp"
#include "support/source_folder.hpp"

#include <array>
#include <boost/json.hpp>
#include <sstream>

namespace deputy::aws {
namespace {

namespace json = boost::json;

constexpr const char* keys = "aws_access_key_id = AKIAKEYS\naws_secret_access_key = Canary\n";
constexpr const char* role = "role_arn = arn:aws:iam::999988887777:role/broker\n";

class ProfilePlanTest : public BaseCredentialsFixture {
 protected:
  // What would be done, in the words of botocore_profiles.py; or why nothing.
  json::object plan(const std::string& name) {
    auto profiles = read_profiles(environment);
    if (!profiles) {
      why_not = profiles.error().message;
      return {{"error", true}};
    }
    const auto planned = plan_profile(profiles.value(), name);
    if (!planned) {
      expect_no_secret(planned.error());
      why_not = planned.error().detail;
      return {{"error", true}};
    }
    if (!planned.value()) return {{"none", true}};
    json::array roles;
    for (const RoleStep& step : planned.value()->roles) {
      json::value external_id = nullptr;
      if (step.external_id) external_id = step.external_id->text();
      roles.push_back(
          json::array{step.role_arn.text(), step.session_name.text(), external_id, step.duration.count()});
    }
    return {{"origin", std::visit([](const auto& origin) { return told(origin); }, planned.value()->origin)},
            {"roles", std::move(roles)}};
  }
  static json::array told(const Credentials& credentials) {
    return {"keys", credentials.access_key_id, json::string_view{credentials.secret_access_key.reveal()},
            json::string_view{credentials.session_token.reveal()}};
  }
  static json::array told(const CommandOrigin& command) {
    json::array words{"process"};
    for (const std::string& word : command.words) words.emplace_back(word);
    return words;
  }
  static json::array told(const WebIdentityOrigin& web) {
    return {"web_identity", web.identity.role_arn.text(), web.identity.session_name.text(), "web-token"};
  }
  static json::array told(NamedSource source) {
    constexpr std::array<const char*, 3> names{"Environment", "EcsContainer", "Ec2InstanceMetadata"};
    return {"source", names.at(static_cast<std::size_t>(source))};
  }
  std::string refusal(const std::string& config, const std::string& name = "default") {
    write("config", config);
    EXPECT_EQ(plan(name), (json::object{{"error", true}})) << config;
    return why_not;
  }

  std::string why_not;
};

TEST_F(ProfilePlanTest, RolesFollowEachOtherFromTheOrigin) {
  write("config",
        std::string{"[default]\n"} + role +
            "source_profile = middle\nexternal_id = id-1\nrole_session_name = me\nduration_seconds = "
            "900\n[profile middle]\nrole_arn = arn:aws:iam::111122223333:role/middle\nsource_profile = "
            "end\n[profile end]\n" +
            keys);
  EXPECT_EQ(json::serialize(plan("default")),
            R"({"origin":["keys","AKIAKEYS","Canary",""],"roles":[["arn:aws:iam::111122223333:role/middle",)"
            R"("deputy",null,3600],["arn:aws:iam::999988887777:role/broker","me","id-1",900]]})");
}

TEST_F(ProfilePlanTest, CirclesAreRefused) {
  const auto with_source = [](const std::string& name, const std::string& source) {
    return "[profile " + name + "]\n" + role + "source_profile = " + source + "\n";
  };
  EXPECT_NE(refusal(with_source("a", "a"), "a").find("leads in a circle"), std::string::npos);
  EXPECT_NE(refusal(with_source("a", "b") + with_source("b", "a"), "a").find("leads in a circle"),
            std::string::npos);
  EXPECT_NE(refusal(with_source("a", "b") + with_source("b", "c") + with_source("c", "b"), "a")
                .find("profile `c`: its `source_profile` `b` leads in a circle"),
            std::string::npos);
}

TEST_F(ProfilePlanTest, DepthIsBounded) {
  const auto chain = [](int length) {
    std::string text;
    for (int i = 1; i < length; ++i)
      text += "[profile p" + std::to_string(i) + "]\n" + role + "source_profile = p" + std::to_string(i + 1) +
              "\n";
    return text + "[profile p" + std::to_string(length) + "]\n" + keys;
  };
  write("config", chain(8));
  EXPECT_EQ(plan("p1").at("roles").as_array().size(), 7U);
  EXPECT_NE(refusal(chain(9), "p1").find("more than 8 profiles"), std::string::npos);
  EXPECT_NE(refusal(chain(5'000), "p1").find("more than 8 profiles"), std::string::npos);
}

TEST_F(ProfilePlanTest, WhatCannotWorkIsSaidClearly) {
  const std::string with_role = std::string{"[default]\n"} + role;
  for (const auto& [config, said] : std::vector<std::pair<std::string, std::string>>{
           {with_role, "`role_arn` needs `source_profile` or `credential_source`"},
           {with_role + "source_profile = x\ncredential_source = Environment\n", "has both"},
           {with_role + "source_profile = nobody\n", "its `source_profile` `nobody` is in neither file"},
           {with_role + "source_profile = x\n[profile x]\nregion = eu-west-1\n",
            "profile `x`: is a `source_profile`, but has no credentials"},
           {with_role + "credential_source = Ec2\n", "`credential_source` is none of"},
           {with_role + "credential_source = Environment\nmfa_serial = arn:aws:iam::1:mfa/x\n",
            "`mfa_serial` asks for a person's code"},
           {with_role + "credential_source = Environment\nduration_seconds = 899\n",
            "`duration_seconds` is no number"},
           {with_role + "credential_source = Environment\nduration_seconds = 900s\n",
            "`duration_seconds` is no"},
           {with_role + "credential_source = Environment\nduration_seconds = 43201\n",
            "`duration_seconds` is no"},
           {with_role + "credential_source = Environment\nrole_session_name = Canary name\n",
            "`role_session_name` is"},
           {with_role + "credential_source = Environment\nexternal_id = Canary one\n", "`external_id` is no"},
           {"[default]\nrole_arn = Canary\ncredential_source = Environment\n", "`role_arn` is not the ARN"},
           {"[default]\nweb_identity_token_file = /x\n", "`role_arn` is not"},
           {"[default]\nsso_session = corp\n" + std::string{keys},
            "aws configure export-credentials --profile default"},
           {"[default]\nsso_start_url = https://x\n", "`sso_start_url` is not supported"},
           {"[default]\nlogin_session = x\n", "`login_session` is not supported"},
           {"[default]\ncredential_process = get 'Canary\n", "`credential_process` is no command"},
           {"[default]\ncredential_process = ''\n", "`credential_process` is no command"},
           {"[default]\naws_access_key_id = AKIA\n",
            "aws_access_key_id is set, but aws_secret_access_key is not"},
           {with_role + "source_profile = b\nduration_seconds = 7200\n[profile b]\n" + role +
                "credential_source = Environment\n",
            "`duration_seconds` is at most 3600 for a role that a role assumes"},
       }) {
    EXPECT_NE(refusal(config).find(said), std::string::npos) << config << why_not;
  }
}

// Both files are hostile: nothing that is in them hangs, crashes or grows.
TEST_F(ProfilePlanTest, HostileFilesAreErrorsOrNothing) {
  for (const std::string& text : std::vector<std::string>{
           std::string(1'000'000, '['), std::string(500'000, '\n') + "x",
           std::string("[default]\n\0=\0\n", 14), std::string("[default]\ncredential_process = a\0b\n", 35),
           "[default]\n" + std::string(900'000, 'a') + " = b\n",
           "[profile " + std::string(900'000, 'a') + "]\n" + role, std::string{"\xff\xfe[\0d\0", 6}}) {
    write("config", text);
    write("credentials", text);
    const json::object planned = plan("default");
    EXPECT_TRUE(planned.contains("error") || planned.contains("none")) << text.substr(0, 40);
  }
}

struct DifferentialCase {
  const char* config;
  const char* credentials;
  const char* profile;
};

// Where botocore and this reader are meant to agree. They differ, on purpose, in: comments behind a value
// (botocore keeps them), a section that comes twice (botocore refuses), `:` in place of `=`, a duration that
// is no number (botocore leaves it out), IAM Identity Center and MFA (refused here), and static keys of the
// config file beside a `credential_process` (SDKs differ among themselves).
const DifferentialCase cases[] = {
    {"", "", "default"},
    {"[default]\nregion = eu-west-1\n", "", "default"},
    {"", "[default]\naws_access_key_id = A\naws_secret_access_key = b\n", "default"},
    {"", "[default]\naws_access_key_id=A\naws_secret_access_key=b=c==\naws_session_token=t/+=\n", "default"},
    {"", "[default]\nAWS_ACCESS_KEY_ID = A\nAws_Secret_Access_Key = b\n", "default"},
    {"", "[default]\naws_access_key_id = A\n", "default"},
    {"", "# c\n\n; d\n[other]\naws_access_key_id = A\naws_secret_access_key = b\n", "other"},
    {"[profile p]\naws_access_key_id = A\naws_secret_access_key = b\n", "", "p"},
    {"[p]\naws_access_key_id = A\naws_secret_access_key = b\n", "", "p"},
    {"[profile \"two words\"]\naws_access_key_id = A\naws_secret_access_key = b\n", "", "two words"},
    {"[profile 'q']\naws_access_key_id = A\naws_secret_access_key = b\n", "", "q"},
    {"[profile\tp]\naws_access_key_id = A\naws_secret_access_key = b\n", "", "p"},
    {"[default]\naws_access_key_id = C\naws_secret_access_key = c\n",
     "[default]\naws_access_key_id = A\naws_secret_access_key = b\n", "default"},
    {"[default]\ns3 =\n  max_queue_size = 1\n  a = b\naws_access_key_id = A\naws_secret_access_key = b\n", "",
     "default"},
    {"[default]\ncredential_process = /opt/get 'a b' \"c\\\"d\" e\\ f\n", "", "default"},
    {"[default]\ncredential_process = /opt/get\n",
     "[default]\naws_access_key_id = A\naws_secret_access_key = b\n", "default"},
    {"[default]\ncredential_process = 'open\n", "", "default"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = base\n",
     "[base]\naws_access_key_id = A\naws_secret_access_key = b\naws_session_token = t\n", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = base\nexternal_id = x-1\n"
     "role_session_name = me@here\nduration_seconds = 1800\n",
     "[base]\naws_access_key_id = A\naws_secret_access_key = b\n", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = r2\n"
     "[profile r2]\nrole_arn = arn:aws:iam::444455556666:role/r2\nsource_profile = base\n",
     "[base]\naws_access_key_id = A\naws_secret_access_key = b\n", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = r\n",
     "[r]\naws_access_key_id = A\naws_secret_access_key = b\n", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = r\n", "", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = s\n"
     "[profile s]\nrole_arn = arn:aws:iam::111122223333:role/s\nsource_profile = r\n",
     "", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = s\n"
     "[profile s]\nrole_arn = arn:aws:iam::111122223333:role/s\nsource_profile = r\n",
     "[s]\naws_access_key_id = A\naws_secret_access_key = b\n", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = gone\n", "", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\n", "", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = s\n[profile s]\nregion = "
     "x\n",
     "", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = s\ncredential_source = "
     "Environment\n"
     "[profile s]\nregion = x\n",
     "", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\ncredential_source = Environment\n", "", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\ncredential_source = EcsContainer\n", "", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\ncredential_source = Ec2InstanceMetadata\n",
     "", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\ncredential_source = environment\n", "", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = p\n"
     "[profile p]\ncredential_process = /opt/get x\n",
     "", "r"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = w\n"
     "[profile w]\nrole_arn = arn:aws:iam::111122223333:role/w\nweb_identity_token_file = TOKEN_FILE\n",
     "", "r"},
    {"[profile w]\nrole_arn = arn:aws:iam::111122223333:role/w\nweb_identity_token_file = TOKEN_FILE\n"
     "role_session_name = pod\n",
     "", "w"},
    {"[profile w]\nweb_identity_token_file = TOKEN_FILE\n", "", "w"},
    {"[profile w]\nrole_arn = arn:aws:iam::111122223333:role/w\nweb_identity_token_file = TOKEN_FILE\n",
     "[w]\naws_access_key_id = A\naws_secret_access_key = b\n", "w"},
    {"[profile r]\nrole_arn = arn:aws:iam::111122223333:role/r\nsource_profile = base\n"
     "aws_access_key_id = C\naws_secret_access_key = c\n",
     "[base]\naws_access_key_id = A\naws_secret_access_key = b\n", "r"},
    {"aws_access_key_id = A\n[default]\n", "", "default"},
    {"[default\naws_access_key_id = A\n", "", "default"},
    {"[default]\nnonsense\n", "", "default"},
    {"[default]\na = b\nA = c\n", "", "default"},
    {"[profile p]\n[default]\naws_access_key_id = A\naws_secret_access_key = b\n", "", "p"},
    {"[preview]\ncloudfront = true\n[default]\naws_access_key_id = A\naws_secret_access_key = b\n", "",
     "default"},
    {"[profile a b c]\naws_access_key_id = A\naws_secret_access_key = b\n", "", "a b c"},
};

TEST_F(ProfilePlanTest, DoesWhatBotocoreWouldDo) {
  json::array asked;
  for (const DifferentialCase& one : cases)
    asked.push_back(
        json::object{{"config", one.config}, {"credentials", one.credentials}, {"profile", one.profile}});
  write("cases", json::serialize(asked));
  const std::string command =
      "/usr/bin/python3 " + in_source_folder("tests/support/botocore_profiles.py") + " < " + path("cases");
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  std::array<char, 65'536> chunk{};
  for (std::size_t got = 0; (got = fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
    output.append(chunk.data(), got);
  ASSERT_EQ(pclose(pipe), 0) << "needs Debian's python3-botocore: scripts/install-packages test";
  std::istringstream lines{output};
  std::string line;
  std::size_t compared = 0;
  for (; std::getline(lines, line); ++compared) {
    const DifferentialCase& one = cases[compared];
    write("config", one.config);
    write("credentials", one.credentials);
    why_not.clear();
    EXPECT_EQ(plan(one.profile), json::parse(line).as_object()) << one.config << "--- credentials:\n"
                                                                << one.credentials << "--- " << why_not;
  }
  EXPECT_EQ(compared, std::size(cases));
}

}  // namespace
}  // namespace deputy::aws
