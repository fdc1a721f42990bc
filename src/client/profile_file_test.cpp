#include "client/profile_file.hpp"

#include "support/temporary_folder.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <map>
#include <sys/stat.h>
#include <thread>

namespace deputy::client {
namespace {

namespace fs = std::filesystem;

WantedProfile acme(const std::string& region = {}) {
  WantedProfile wanted{.name = "acme", .credential_process = "/usr/bin/deputy credentials con_a"};
  if (!region.empty()) wanted.region = region;
  return wanted;
}
std::string edited(const std::string& text, const WantedProfile& wanted = acme()) {
  const auto result = with_profile(text, wanted, "config");
  return result ? result.value() : "refused: " + result.error().message;
}
const std::string section = "[profile acme]\ncredential_process = /usr/bin/deputy credentials con_a\n";

TEST(ProfileFile, BeginsAFile) {
  EXPECT_EQ(edited(""), section);
  EXPECT_EQ(edited("", acme("eu-west-1")), section + "region = eu-west-1\n");
  auto wanted = acme();
  wanted.name = "default";
  EXPECT_EQ(edited("", wanted), "[default]\ncredential_process = /usr/bin/deputy credentials con_a\n");
}

TEST(ProfileFile, AddsBehindWhatIsThere) {
  EXPECT_EQ(edited("# mine\n[default]\nregion = x"), "# mine\n[default]\nregion = x\n\n" + section);
}

TEST(ProfileFile, WritingAgainChangesNothing) {
  for (const std::string text : {"", "[default]\nregion=x\n", "[profile other]\r\nregion = x\r\n"}) {
    const std::string once = edited(text, acme("eu-west-1"));
    EXPECT_EQ(edited(once, acme("eu-west-1")), once);
  }
}

TEST(ProfileFile, ChangesOnlyWhatIsDeputysInItsOwnSection) {
  const std::string text =
      "[profile before]\nrole_arn = x\ncredential_process = /bin/other\n\n"
      "[profile acme]  # ours\noutput = json\nCredential_Process = \"/opt/my tools/deputy\" credentials "
      "con_old\n"
      "s3 =\n  max_concurrent_requests = 3\n\n# of the next one\n[profile after]\nregion = y\n";
  EXPECT_EQ(edited(text, acme("eu-west-1")),
            "[profile before]\nrole_arn = x\ncredential_process = /bin/other\n\n"
            "[profile acme]  # ours\noutput = json\ncredential_process = /usr/bin/deputy credentials con_a\n"
            "region = eu-west-1\n"
            "s3 =\n  max_concurrent_requests = 3\n\n# of the next one\n[profile after]\nregion = y\n");
}

TEST(ProfileFile, KeepsTheRegionUnlessAskedForAnother) {
  const std::string text = section + "region = eu-west-1\n";
  EXPECT_EQ(edited(text), text);
  EXPECT_EQ(edited(text, acme("eu-west-2")), section + "region = eu-west-2\n");
}

TEST(ProfileFile, KeepsTheFilesLineEnds) {
  EXPECT_EQ(edited("[default]\r\nregion = x\r\n"),
            "[default]\r\nregion = x\r\n\r\n[profile acme]\r\ncredential_process = /usr/bin/deputy "
            "credentials con_a\r\n");
}

TEST(ProfileFile, AForeignProfileIsNotOverwritten) {
  for (const std::string settings :
       {"aws_access_key_id = AKIAX", "role_arn = arn", "credential_process = /usr/bin/other credentials",
        "credential_process = /usr/bin/deputyx credentials con_a",
        "credential_process = /usr/bin/deputy serve", "region = x"}) {
    const std::string text = "[profile acme]\n" + settings + "\n";
    EXPECT_THAT(edited(text), ::testing::HasSubstr("is not Deputy's")) << settings;
  }
}

TEST(ProfileFile, AForeignProfileLosesItsSettingsWhenThatIsWanted) {
  auto wanted = acme();
  wanted.replace_foreign = true;
  EXPECT_EQ(
      edited(
          "[profile acme]\n# kept\nrole_arn = arn\ns3 =\n  a = b\nregion = x\n\n[default]\noutput = json\n",
          wanted),
      section + "# kept\nregion = x\n\n[default]\noutput = json\n");
}

TEST(ProfileFile, AnEmptyProfileIsNobodys) {
  EXPECT_EQ(edited("[profile acme]"), section);
}

TEST(ProfileFile, TheSameProfileTwiceIsRefused) {
  EXPECT_THAT(edited(section + "[profile \"acme\"]\nregion = x\n"), ::testing::HasSubstr("twice"));
}

TEST(ProfileFile, AMalformedFileIsRefusedWithItsLine) {
  EXPECT_THAT(edited("[default]\nnonsense\n"), ::testing::HasSubstr("config, line 2"));
}

TEST(ProfileFile, NamesAreWhatEverySdkReads) {
  for (const std::string name : {"acme", "con_abc", "Acme-1.eu", "a/b", "a@b", "a:b", "a+b%"})
    EXPECT_TRUE(check_profile_name(name)) << name;
  for (const std::string name : {"", "a b", "a]", "a\nb", "-a", "ä", "a#", "a;b", "a\"b",
                                 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff12345"})
    EXPECT_TRUE(check_profile_name(name).has_error()) << name;
}

TEST(ProfileFile, WordsAreQuotedAsAwsWants) {
  EXPECT_EQ(command_line({"/usr/bin/deputy", "credentials", "con_a"}).value(),
            "/usr/bin/deputy credentials con_a");
  EXPECT_EQ(command_line({"/opt/my tools/deputy", "a(b)", ""}).value(),
            "\"/opt/my tools/deputy\" \"a(b)\" \"\"");
  for (const std::string word : {"a\"b", "a'b", "$HOME", "a`b", "a\\b", "a!b", "a#b", "a;b", "a\nb"})
    EXPECT_TRUE(command_line({word}).has_error()) << word;
}

class ProfileFileOnDisk : public ::testing::Test {
 protected:
  aws::Environment environment() {
    return [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional{found->second};
    };
  }
  static std::string content(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  static unsigned mode(const fs::path& path) {
    return static_cast<unsigned>(fs::status(path).permissions() & fs::perms::mask);
  }
  TemporaryFolder folder_;
  std::map<std::string, std::string> variables_{{"HOME", folder_.path()}};
};

TEST_F(ProfileFileOnDisk, IsMadeForThisUserAlone) {
  const auto written = write_profile(environment(), "", acme());
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_TRUE(written.value().changed);
  EXPECT_EQ(content(folder_.path() / ".aws" / "config"), section);
  EXPECT_EQ(mode(folder_.path() / ".aws" / "config"), 0600U);
  EXPECT_EQ(mode(folder_.path() / ".aws"), 0700U);
  EXPECT_FALSE(write_profile(environment(), "", acme()).value().changed);
}

TEST_F(ProfileFileOnDisk, IsTheOneOfTheEnvironmentAndKeepsItsModeAndItsLink) {
  std::ofstream{folder_.path() / "real"} << "[default]\nregion = x\n";
  fs::permissions(folder_.path() / "real", fs::perms{0640});
  fs::create_symlink(folder_.path() / "real", folder_.path() / "link");
  variables_["AWS_CONFIG_FILE"] = folder_.path() / "link";
  ASSERT_TRUE(write_profile(environment(), "", acme()));
  EXPECT_TRUE(fs::is_symlink(folder_.path() / "link"));
  EXPECT_EQ(mode(folder_.path() / "real"), 0640U);
  EXPECT_THAT(content(folder_.path() / "real"), ::testing::EndsWith(section));
}

TEST_F(ProfileFileOnDisk, KeysOfTheSameNameWouldWin) {
  fs::create_directory(folder_.path() / ".aws");
  std::ofstream{folder_.path() / ".aws" / "credentials"}
      << "[acme]\naws_access_key_id = AKIAX\naws_secret_access_key = y\n";
  const auto written = write_profile(environment(), "", acme());
  ASSERT_TRUE(written.has_error());
  EXPECT_THAT(written.error().message, ::testing::HasSubstr("would win"));
  EXPECT_FALSE(fs::exists(folder_.path() / ".aws" / "config"));
}

TEST_F(ProfileFileOnDisk, ARefusalLeavesTheFileAsItWas) {
  const fs::path file = folder_.path() / "config";
  std::ofstream{file} << "[profile acme]\nrole_arn = x\n";
  ASSERT_TRUE(write_profile(environment(), file, acme()).has_error());
  EXPECT_EQ(content(file), "[profile acme]\nrole_arn = x\n");
  EXPECT_EQ(std::distance(fs::directory_iterator{folder_.path()}, {}), 1);
}

TEST_F(ProfileFileOnDisk, ManyAtOnceLoseNothing) {
  constexpr int writers = 16;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < writers; ++i)
      threads.emplace_back([this, i] {
        auto wanted = acme();
        wanted.name = "customer-" + std::to_string(i);
        EXPECT_TRUE(write_profile(environment(), "", wanted));
      });
  }
  const std::string all = content(folder_.path() / ".aws" / "config");
  for (int i = 0; i < writers; ++i)
    EXPECT_THAT(all, ::testing::HasSubstr("[profile customer-" + std::to_string(i) + "]"));
}

}  // namespace
}  // namespace deputy::client
