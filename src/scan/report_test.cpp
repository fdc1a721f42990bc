#include "scan/report.hpp"

#include "scan/safe_text.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>
#include <memory>
#include <sstream>

namespace deputy::scan {
namespace {

using ::testing::HasSubstr;

struct CloseReport {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

class ReportTest : public ::testing::Test {
 protected:
  ReportTest() {
    text_ =
        "name,role_arn,external_id\n"
        "Acme,arn:aws:iam::222222222222:role/a,id-1\n"
        "\"=HYPERLINK(\"\"http://x\"\")\",arn:aws:iam::222222222222:role/b,id-2\n"
        "\"\x1b[2J evil\xff\",arn:aws:iam::222222222222:role/c,id-3\n"
        "Late,arn:aws:iam::222222222222:role/d,id-4\n"
        "Never,arn:aws:iam::222222222222:role/e,id-5\n";
    results_.record(0, {.outcome = RowOutcome::passed, .proof = registry::Proof::probed}, {});
    results_.record(1, {.outcome = RowOutcome::failed},
                    {.check = "role_assumable", .message = "denied", .mend = "compare"});
    results_.record(2, {.outcome = RowOutcome::failed},
                    {.check = "external_id_required",
                     .message = "open to everybody",
                     .mend = std::string{"require\n"} + id_place});
    results_.record(3, {.outcome = RowOutcome::inconclusive},
                    {.check = "role_assumable", .message = "slow", .mend = {}});
  }

  std::string written(ReportForm form) {
    const std::unique_ptr<std::FILE, CloseReport> file{std::tmpfile()};
    std::fwrite(text_.data(), 1, text_.size(), file.get());
    EXPECT_EQ(std::fseek(file.get(), 0, SEEK_SET), 0);
    const auto fleet = survey(file.get(), std::nullopt);
    EXPECT_TRUE(fleet);
    if (!changed_to_.empty()) {
      std::fwrite(changed_to_.data(), 1, changed_to_.size(), file.get());
      EXPECT_EQ(std::fseek(file.get(), 0, SEEK_SET), 0);
    }
    auto reader = FleetReader::open(file.get());
    std::ostringstream out;
    const auto done = write_report(out, form, reader.value(), fleet.value(), results_, {.file = "fleet.csv"});
    return done ? out.str() : "error: " + done.error().message;
  }

  std::string text_;
  std::string changed_to_;
  Results results_{5};
};

TEST_F(ReportTest, ThePersonReadsTheWorstFirstAndWhatToDo) {
  const std::string text = written(ReportForm::text);
  EXPECT_THAT(text, HasSubstr("1  passed"));
  EXPECT_THAT(text, HasSubstr("2  failed"));
  EXPECT_THAT(text, HasSubstr("1  not verified"));
  EXPECT_LT(text.find("external_id_required"), text.find("failed · role_assumable"));
  EXPECT_LT(text.find("failed · role_assumable"), text.find("inconclusive · role_assumable"));
  EXPECT_THAT(text, HasSubstr("  Open to everybody\n  What to do:\n    require\n    THE-EXTERNAL-ID"));
  EXPECT_THAT(text, HasSubstr("line 4  \\x1b[2J evil\\xff  arn:aws:iam::222222222222:role/c"));
}

TEST_F(ReportTest, NoFormLetsAnEscapeThrough) {
  for (const auto form : {ReportForm::text, ReportForm::json, ReportForm::csv}) {
    EXPECT_EQ(written(form).find('\x1b'), std::string::npos);
    EXPECT_EQ(written(form).find(id_place), std::string::npos);
  }
}

TEST_F(ReportTest, JsonIsOneDocumentWithEveryRole) {
  const auto document = boost::json::parse(written(ReportForm::json));
  EXPECT_EQ(document.at("outcome").as_string(), "failed");
  EXPECT_EQ(document.at("summary").at("not_verified").as_int64(), 1);
  const auto& roles = document.at("roles").as_array();
  ASSERT_EQ(roles.size(), 5U);
  EXPECT_EQ(roles[2].at("mend").as_string(), "require\nid-3");
  EXPECT_EQ(roles[2].at("name").as_string(), "\x1b[2J evil\xef\xbf\xbd");
  EXPECT_EQ(roles[4].at("outcome").as_string(), "not_verified");
  EXPECT_TRUE(roles[0].at("check").is_null());
}

TEST_F(ReportTest, CsvHasNoFormulas) {
  const std::string csv = written(ReportForm::csv);
  EXPECT_THAT(
      csv,
      HasSubstr(
          "3,\"'=HYPERLINK(\"\"http://x\"\")\",arn:aws:iam::222222222222:role/b,failed,none,role_assumable"));
  EXPECT_THAT(csv, HasSubstr(",require id-3,1970-01-01T00:00:00Z\n"));
  EXPECT_EQ(std::ranges::count(csv, '\n'), 6);
}

TEST(ForCsv, ACellThatASemicolonBeginsIsNoFormula) {
  // Where the semicolon separates, a line is cut there, in quotes or not, and `""` in front of a cell is
  // nothing.
  const std::string wide = "\xef\xbc\x9d";  // a full-width `=`
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a;=1+1;b", R"("a;'=1+1;b")"},
      {"a;  =1+1", R"("a;'  =1+1")"},
      {"a;\"=1+1;b", R"("a;'""=1+1;b")"},
      {"a;" + wide + "1", "\"a;'" + wide + "1\""},
      {";@SUM", R"(";'@SUM")"},
      {"a;b", R"("a;b")"},
      {"a; b=1", R"("a; b=1")"},
      {"  =1", R"("'  =1")"},
      {"a=1", "a=1"},
  };
  for (const auto& [text, field] : cases) EXPECT_EQ(for_csv(text), field);
}

TEST_F(ReportTest, TellsWhichResultsAreOfEarlierRuns) {
  const auto at = [](std::string_view time) { return parse_rfc3339(time).value(); };
  for (const auto form : {ReportForm::text, ReportForm::json})
    EXPECT_EQ(written(form).find("earlier runs"), std::string::npos);
  results_.record(
      0, {.outcome = RowOutcome::passed, .is_earlier = true, .verified_at = at("2026-03-02T10:00:00Z")}, {});
  results_.record(
      1, {.outcome = RowOutcome::passed, .is_earlier = true, .verified_at = at("2026-03-01T10:00:00Z")}, {});
  results_.record(2, {.outcome = RowOutcome::passed, .verified_at = at("2026-02-01T10:00:00Z")}, {});
  EXPECT_THAT(written(ReportForm::text),
              HasSubstr("2 of 4 results are from earlier runs, the oldest of 2026-03-01T10:00:00Z"));
  const auto document = boost::json::parse(written(ReportForm::json));
  EXPECT_EQ(document.at("summary").at("resumed").as_int64(), 2);
  EXPECT_EQ(document.at("roles").at(1).at("verified_at").as_string(), "2026-03-01T10:00:00Z");
  EXPECT_TRUE(document.at("roles").at(4).at("verified_at").is_null());
  const std::string csv = written(ReportForm::csv);
  EXPECT_THAT(csv, HasSubstr(",what_to_do,verified_at\n"));
  EXPECT_THAT(csv, HasSubstr("role/a,passed,none,,,,2026-03-02T10:00:00Z\n"));
  EXPECT_THAT(csv, HasSubstr("role/e,not_verified,none,,,,\n"));
}

TEST_F(ReportTest, AFileThatChangedMeanwhileGivesNoReport) {
  changed_to_ = text_;
  changed_to_.replace(changed_to_.find("Acme"), 4, "Evil");
  EXPECT_THAT(written(ReportForm::csv), HasSubstr("changed during the scan"));
}

TEST_F(ReportTest, ManyOfOneTroubleAreCountedNotListed) {
  text_ = "name,role_arn,external_id\n";
  for (int i = 0; i < 100; ++i) text_ += "c,arn:aws:iam::222222222222:role/r,id-" + std::to_string(i) + "\n";
  results_ = Results{100};
  for (std::size_t i = 0; i < 100; ++i)
    results_.record(i, {.outcome = RowOutcome::failed},
                    {.check = "role_assumable", .message = "denied", .mend = {}});
  EXPECT_THAT(written(ReportForm::text), HasSubstr("… and 80 more"));
}

TEST(ExitStatus, TellsAllPassedAnyFailedAndUnclearApart) {
  Results results{2};
  EXPECT_EQ(exit_status(results), 3);
  results.record(0, {.outcome = RowOutcome::passed}, {});
  EXPECT_EQ(exit_status(results), 3);
  results.record(1, {.outcome = RowOutcome::inconclusive}, {});
  EXPECT_EQ(exit_status(results), 3);
  results.record(1, {.outcome = RowOutcome::passed}, {});
  EXPECT_EQ(exit_status(results), 0);
  results.record(0, {.outcome = RowOutcome::failed}, {});
  EXPECT_EQ(exit_status(results), 1);
}

}  // namespace
}  // namespace deputy::scan
