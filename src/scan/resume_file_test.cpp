#include "scan/resume_file.hpp"

#include "support/temporary_folder.hpp"

#include <fstream>
#include <gmock/gmock.h>

namespace deputy::scan {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ResumeFileTest : public ::testing::Test {
 protected:
  Result<ResumeFile> open() { return ResumeFile::open(path_, fleet_, results_); }
  void keep_some() {
    auto file = open();
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE(
        file.value().append(0, {.outcome = RowOutcome::passed, .proof = registry::Proof::proved}, {}));
    ASSERT_TRUE(file.value().append(
        2, {.outcome = RowOutcome::failed},
        {.check = "external_id_required", .message = "open", .mend = std::string{"use "} + id_place}));
    ASSERT_TRUE(file.value().append(3, {.outcome = RowOutcome::inconclusive},
                                    {.check = "role_assumable", .message = "late"}));
    ASSERT_TRUE(file.value().flush());
    results_ = Results{4};
  }
  std::string content() const {
    std::ifstream file{path_};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "state";
  Survey fleet_{.rows = 4, .sha256 = "abc"};
  Results results_{4};
};

TEST_F(ResumeFileTest, GivesBackWhatWasKept) {
  keep_some();
  ASSERT_TRUE(open());
  EXPECT_EQ(results_.count(RowOutcome::passed), 1U);
  EXPECT_EQ(results_.proved(), 1U);
  EXPECT_TRUE(results_.is_settled(0));
  EXPECT_FALSE(results_.is_settled(1));
  EXPECT_TRUE(results_.is_settled(2));
  EXPECT_FALSE(results_.is_settled(3)) << "the inconclusive is tried again";
  EXPECT_EQ(results_.finding(results_.of(2)).mend, std::string{"use "} + id_place);
}

TEST_F(ResumeFileTest, TheLaterResultCounts) {
  keep_some();
  {
    auto file = open();
    ASSERT_TRUE(file.value().append(3, {.outcome = RowOutcome::passed}, {}));
    ASSERT_TRUE(file.value().flush());
  }
  results_ = Results{4};
  ASSERT_TRUE(open());
  EXPECT_EQ(results_.count(RowOutcome::passed), 2U);
  EXPECT_EQ(results_.count(RowOutcome::inconclusive), 0U);
}

TEST_F(ResumeFileTest, IsPrivateAndNamesNobody) {
  keep_some();
  EXPECT_EQ(fs::status(path_).permissions() & fs::perms::mask, fs::perms{0600});
  EXPECT_EQ(content().find("arn:"), std::string::npos);
}

TEST_F(ResumeFileTest, ALineThatACrashCutIsDropped) {
  keep_some();
  const std::string whole = content();
  std::ofstream{path_, std::ios::app} << R"({"row":1,"outcome":"failed","message":")"
                                      << std::string(500, 'x');
  {
    auto file = open();
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_FALSE(results_.is_settled(1));
    ASSERT_TRUE(file.value().append(1, {.outcome = RowOutcome::passed}, {}));
    ASSERT_TRUE(file.value().flush());
  }
  EXPECT_THAT(content(), ::testing::StartsWith(whole + R"({"row":1,"outcome":"passed")"));
  EXPECT_THAT(content(), ::testing::EndsWith("}\n"));
}

TEST_F(ResumeFileTest, ACutHeaderBeginsAnew) {
  keep_some();
  fs::resize_file(path_, 10);
  ASSERT_TRUE(open());
  EXPECT_EQ(results_.count(RowOutcome::none), 4U);
}

TEST_F(ResumeFileTest, AChangedFleetIsRefused) {
  keep_some();
  const std::string before = content();
  fleet_.sha256 = "other";
  EXPECT_THAT(open().error().message, HasSubstr("was the CSV changed"));
  EXPECT_EQ(content(), before);
}

TEST_F(ResumeFileTest, DamageIsRefusedWithItsLine) {
  for (const std::string line :
       {"nonsense", R"({"row":4,"outcome":"passed"})", R"({"row":-1,"outcome":"passed"})",
        R"({"row":1,"outcome":"none"})", R"({"row":1,"row":2,"outcome":"passed"})",
        R"({"row":1.5,"outcome":"passed"})"}) {
    fs::remove(path_);
    keep_some();
    std::ofstream{path_, std::ios::app} << line << "\n";
    EXPECT_THAT(open().error().message, HasSubstr("line 5")) << line;
  }
}

TEST_F(ResumeFileTest, AnotherFileIsLeftAlone) {
  for (const auto& other :
       {std::string{"name,role_arn,external_id\n"}, std::string{"short"}, std::string(200'000, 'x')}) {
    std::ofstream{path_, std::ios::trunc} << other;
    EXPECT_THAT(open().error().message, HasSubstr("is not the state of a scan"));
    EXPECT_EQ(content(), other);
  }
}

TEST_F(ResumeFileTest, TwoScansDoNotShareOne) {
  const auto first = open();
  ASSERT_TRUE(first);
  EXPECT_THAT(open().error().message, HasSubstr("another scan"));
}

}  // namespace
}  // namespace deputy::scan
