#include "scan/resume_file.hpp"

#include "support/temporary_folder.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

namespace deputy::scan {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ResumeFileTest : public ::testing::Test {
 protected:
  Result<ResumeFile> open() {
    DEPUTY_TRY(auto file, ResumeFile::open(path_, fleet_, region_, results_));
    DEPUTY_TRY(file.begin(principal_, now_));
    return file;
  }
  void keep_some() {
    auto file = open();
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE(file.value().append(
        0, {.outcome = RowOutcome::passed, .proof = registry::Proof::proved, .verified_at = now_}, {}));
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
  Region region_ = Region::parse("eu-central-1").value();
  std::optional<RoleArn> principal_ = RoleArn::parse("arn:aws:iam::111111111111:role/partner").value();
  Timestamp now_ = parse_rfc3339("2026-03-01T10:00:00Z").value();
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
  const std::string results = content().substr(content().find('\n'));
  EXPECT_EQ(results.find("arn:"), std::string::npos);
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
  EXPECT_THAT(content(),
              ::testing::StartsWith(whole + R"({"row":1,"outcome":"passed","proof":"none","at":")"));
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

TEST_F(ResumeFileTest, WhatWasKeptIsAnEarlierRunsAndSaysWhenItWasFoundOut) {
  keep_some();
  auto file = open();
  ASSERT_TRUE(file);
  EXPECT_TRUE(results_.of(0).is_earlier);
  EXPECT_EQ(results_.of(0).verified_at, now_);
  EXPECT_EQ(results_.earlier().count, 3U);
  results_.record(3, {.outcome = RowOutcome::passed, .verified_at = now_}, {});
  EXPECT_EQ(results_.earlier().count, 2U) << "that one is this run's";
}

TEST_F(ResumeFileTest, AnotherRegionIsRefused) {
  keep_some();
  const std::string before = content();
  region_ = Region::parse("eu-central-2").value();
  EXPECT_THAT(open().error().message,
              HasSubstr("another Region, `eu-central-1`, begun at 2026-03-01T10:00:00Z"));
  EXPECT_EQ(content(), before);
}

TEST_F(ResumeFileTest, AnotherPrincipalIsRefused) {
  keep_some();
  const std::string before = content();
  principal_ = RoleArn::parse("arn:aws:iam::111111111111:role/other").value();
  EXPECT_THAT(
      open().error().message,
      HasSubstr("against `arn:aws:iam::111111111111:role/partner` when it began at 2026-03-01T10:00:00Z"));
  principal_.reset();
  EXPECT_THAT(open().error().message, HasSubstr("against nobody"));
  EXPECT_EQ(content(), before);
}

TEST_F(ResumeFileTest, WhatWasHeldAgainstNobodyGoesOnAgainstNobodyAlone) {
  principal_.reset();
  keep_some();
  ASSERT_TRUE(open());
  principal_ = RoleArn::parse("arn:aws:iam::111111111111:role/other").value();
  EXPECT_THAT(open().error().message, HasSubstr("against nobody when it began"));
}

TEST_F(ResumeFileTest, OneOfAnOlderDeputyIsRefused) {
  std::ofstream{path_} << R"({"deputy_scan":1,"fleet_sha256":"abc","rows":4})"
                       << "\n"
                       << R"({"row":0,"outcome":"passed","proof":"none"})"
                       << "\n";
  EXPECT_THAT(open().error().message, HasSubstr("of an older Deputy"));
  EXPECT_EQ(results_.count(RowOutcome::none), 4U);
}

TEST_F(ResumeFileTest, OneThatOthersMayWriteIsRefused) {
  for (const auto open_for : {fs::perms::group_write, fs::perms::others_write}) {
    fs::remove(path_);
    keep_some();
    fs::permissions(path_, fs::perms::group_read, fs::perm_options::add);
    EXPECT_TRUE(open()) << "to read it does no harm";
    results_ = Results{4};
    fs::permissions(path_, open_for, fs::perm_options::add);
    EXPECT_THAT(open().error().message, HasSubstr("can be written by other users"));
    EXPECT_EQ(results_.count(RowOutcome::none), 4U);
  }
}

TEST_F(ResumeFileTest, OneOfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  keep_some();
  ASSERT_EQ(::chown(path_.c_str(), 12345, 12345), 0);
  EXPECT_THAT(open().error().message, HasSubstr("belongs to another user"));
  EXPECT_EQ(results_.count(RowOutcome::none), 4U);
}

TEST_F(ResumeFileTest, DamageIsRefusedWithItsLine) {
  for (std::string line :
       {"nonsense", R"({"row":4,"outcome":"passed",AT})", R"({"row":-1,"outcome":"passed",AT})",
        R"({"row":1,"outcome":"none",AT})", R"({"row":1,"row":2,"outcome":"passed",AT})",
        R"({"row":1.5,"outcome":"passed",AT})", R"({"row":1,"outcome":"passed"})",
        R"({"row":1,"outcome":"passed","at":"yesterday"})"}) {
    fs::remove(path_);
    keep_some();
    if (const std::size_t at = line.find("AT}"); at != std::string::npos)
      line.replace(at, 2, R"("at":"2026-03-01T10:00:00Z")");
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
