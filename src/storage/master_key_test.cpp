#include "storage/master_key.hpp"

#include "support/fake_random.hpp"
#include "support/temporary_folder.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sys/stat.h>

namespace deputy::storage {
namespace {

const std::string zeros = std::string(43, 'A') + "=";

class MasterKeyFile : public testing::Test {
 protected:
  std::filesystem::path write(std::string_view text, mode_t mode) {
    const auto file = folder_.path() / "master.key";
    std::ofstream{file} << text;
    ::chmod(file.c_str(), mode);
    return file;
  }
  TemporaryFolder folder_;
};

TEST(MasterKey, ParsesBase64Of32BytesAlone) {
  EXPECT_TRUE(MasterKey::parse(zeros));
  EXPECT_TRUE(MasterKey::parse(zeros + "\n"));
  EXPECT_TRUE(MasterKey::parse(zeros + "\r\n"));
  for (const std::string& text : std::vector<std::string>{
           "", "A", std::string(44, 'A'), std::string(43, 'A'), zeros + "\n\n", " " + zeros, zeros + " ",
           std::string(42, 'A') + "B=", std::string(42, 'A') + "==", std::string(42, 'A') + "-=",
           std::string(88, 'A'), zeros + zeros, std::string(20, 'A') + "\n" + std::string(22, 'A') + "="}) {
    const auto key = MasterKey::parse(text);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().kind, ErrorKind::invalid_request);
    if (text.size() > 4) EXPECT_EQ(key.error().message.find(text.substr(0, 5)), std::string::npos);
  }
}

TEST(MasterKey, DerivesOneKeyForOnePurpose) {
  SeededRandom random{7};
  const MasterKey key = MasterKey::draw(random);
  const MasterKey other = MasterKey::draw(random);
  std::set<std::string> seen;
  for (const char* purpose : {"sealing", "rows", "digests", "journal", ""}) {
    EXPECT_EQ(key.derive(purpose).size(), 32U);
    EXPECT_EQ(key.derive(purpose), key.derive(purpose));
    EXPECT_TRUE(seen.emplace(key.derive(purpose).reveal()).second);
    EXPECT_TRUE(seen.emplace(other.derive(purpose).reveal()).second);
  }
}

// Threat 40: the file is the owner's alone from the first moment on.
TEST_F(MasterKeyFile, IsMadePrivateAndReadBack) {
  SeededRandom random{1};
  const MasterKey key = MasterKey::draw(random);
  const auto file = folder_.path() / "master.key";
  const mode_t before = ::umask(0);
  const auto created = key.create_file(file);
  ::umask(before);
  ASSERT_TRUE(created);
  struct stat status{};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(status.st_size, 45);
  const auto loaded = MasterKey::load(file);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded.value().derive("x"), key.derive("x"));
}

TEST_F(MasterKeyFile, IsNeverOverwritten) {
  SeededRandom random{1};
  const auto file = write("precious", 0600);
  const auto again = MasterKey::draw(random).create_file(file);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
  std::string text;
  std::ifstream{file} >> text;
  EXPECT_EQ(text, "precious");
}

// Threat 40: others could have read it.
TEST_F(MasterKeyFile, IsRefusedWhenOthersMayTouchIt) {
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0644, 0601}) {
    const auto key = MasterKey::load(write(zeros + "\n", mode));
    ASSERT_FALSE(key) << std::oct << mode;
    EXPECT_NE(key.error().message.find("0600"), std::string::npos);
  }
  EXPECT_TRUE(MasterKey::load(write(zeros + "\n", 0600)));
  EXPECT_TRUE(MasterKey::load(write(zeros, 0400)));
}

TEST_F(MasterKeyFile, SaysWhatIsWrong) {
  EXPECT_EQ(MasterKey::load(folder_.path() / "none").error().kind, ErrorKind::not_found);
  EXPECT_EQ(MasterKey::load(folder_.path()).error().kind, ErrorKind::invalid_request);
  EXPECT_EQ(MasterKey::load(write("", 0600)).error().kind, ErrorKind::invalid_request);
  EXPECT_EQ(MasterKey::load(write(std::string(100'000, 'A'), 0600)).error().kind, ErrorKind::invalid_request);
  SeededRandom random{1};
  EXPECT_FALSE(MasterKey::draw(random).create_file(folder_.path() / "no" / "such" / "folder"));
}

}  // namespace
}  // namespace deputy::storage
