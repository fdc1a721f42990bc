#include "scan/scanner.hpp"

#include "support/fake_clock.hpp"
#include "support/manual_loop.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <set>

namespace deputy::scan {
namespace {

using registry::CheckResult;
using registry::VerificationOutcome;
using registry::VerificationReport;

struct CloseFleet {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

VerificationReport report_of(VerificationOutcome outcome, const ExternalId& id) {
  VerificationReport report{.outcome = outcome};
  registry::Check check;
  check.name = "external_id_required";
  check.result = outcome == VerificationOutcome::failed ? CheckResult::failed : CheckResult::inconclusive;
  check.message = "words";
  check.mend = "the condition has " + id.text();
  if (outcome != VerificationOutcome::passed) report.checks.push_back(check);
  return report;
}

class ScannerTest : public ::testing::Test {
 protected:
  void fleet_of(int rows) {
    std::string text = "name,role_arn,external_id\n";
    for (int i = 0; i < rows; ++i)
      text += "c" + std::to_string(i) + ",arn:aws:iam::222222222222:role/r" + std::to_string(i) + ",id-" +
              std::to_string(i) + "\n";
    file_.reset(std::tmpfile());
    std::fwrite(text.data(), 1, text.size(), file_.get());
    EXPECT_EQ(std::fseek(file_.get(), 0, SEEK_SET), 0);
    auto opened = FleetReader::open(file_.get());
    ASSERT_TRUE(opened);
    reader_.emplace(std::move(opened).value());
    results_.emplace(static_cast<std::size_t>(rows));
  }

  Task<VerificationReport> verify(verify::Target target, std::stop_token stop) {
    in_flight_most_ = std::max(in_flight_most_, ++in_flight_);
    const std::string role{target.role_arn.name()};
    verified_.push_back(role);
    const bool whole = co_await sleep_for(loop_, std::chrono::milliseconds{10}, stop);
    --in_flight_;
    auto outcome = VerificationOutcome::passed;
    if (failing_.contains(role)) outcome = VerificationOutcome::failed;
    if (unclear_.contains(role) || !whole) outcome = VerificationOutcome::inconclusive;
    co_return report_of(outcome, target.external_id);
  }

  Result<void> run(std::size_t in_flight_max) {
    Scanner scanner{clock_,
                    *reader_,
                    *results_,
                    {.region = Region::parse("eu-central-1").value(),
                     .session_name = SessionName::parse("deputy-scan").value(),
                     .in_flight_max = in_flight_max},
                    [this](verify::Target target, std::stop_token stop) {
                      return verify(std::move(target), std::move(stop));
                    },
                    [this](std::size_t row, const RowResult&, const Finding&) -> Result<void> {
                      heard_.push_back(row);
                      if (heard_.size() == stop_after_) stop_.request_stop();
                      if (heard_.size() == fail_after_) return Error{ErrorKind::internal, "the disk is full"};
                      return success();
                    }};
    return loop_.run_through_time(scanner.run(stop_));
  }

  FakeClock clock_;
  ManualLoop loop_{clock_};
  std::stop_source stop_;
  std::unique_ptr<std::FILE, CloseFleet> file_;
  std::optional<FleetReader> reader_;
  std::optional<Results> results_;
  std::set<std::string> failing_, unclear_;
  std::vector<std::string> verified_;
  std::vector<std::size_t> heard_;
  std::size_t in_flight_ = 0, in_flight_most_ = 0, stop_after_ = 0, fail_after_ = 0;
};

TEST_F(ScannerTest, VerifiesEveryRoleOnceAndSoManySideBySide) {
  fleet_of(100);
  failing_ = {"r3", "r50"};
  unclear_ = {"r7"};
  ASSERT_TRUE(run(8));
  EXPECT_EQ(in_flight_most_, 8U);
  EXPECT_EQ(std::set<std::string>(verified_.begin(), verified_.end()).size(), 100U);
  EXPECT_EQ(verified_.size(), 100U);
  EXPECT_EQ(results_->count(RowOutcome::passed), 97U);
  EXPECT_EQ(results_->count(RowOutcome::failed), 2U);
  EXPECT_EQ(results_->of(7).outcome, RowOutcome::inconclusive);
}

TEST_F(ScannerTest, NotesWhenEachWasVerified) {
  fleet_of(2);
  const Timestamp began = clock_.now();
  ASSERT_TRUE(run(1));  // one after the other, ten milliseconds each
  EXPECT_EQ(results_->of(0).verified_at, began + std::chrono::milliseconds{10});
  EXPECT_EQ(results_->of(1).verified_at, began + std::chrono::milliseconds{20});
  EXPECT_EQ(results_->earlier().count, 0U);
}

TEST_F(ScannerTest, SkipsWhatIsSettled) {
  fleet_of(4);
  results_->record(0, {.outcome = RowOutcome::passed}, {});
  results_->record(1, {.outcome = RowOutcome::inconclusive}, {.check = "x", .message = {}, .mend = {}});
  results_->record(2, {.outcome = RowOutcome::failed}, {.check = "x", .message = {}, .mend = {}});
  ASSERT_TRUE(run(8));
  EXPECT_THAT(verified_, ::testing::UnorderedElementsAre("r1", "r3"));
}

TEST_F(ScannerTest, WhatAStopInterruptedIsNotVerified) {
  fleet_of(100);
  stop_after_ = 20;
  ASSERT_TRUE(run(8));
  EXPECT_EQ(results_->count(RowOutcome::inconclusive), 0U);
  EXPECT_LE(results_->count(RowOutcome::passed), 28U);
  EXPECT_GE(results_->count(RowOutcome::none), 72U);
  EXPECT_EQ(in_flight_, 0U);
}

TEST_F(ScannerTest, EndsWhenResultsCannotBeKept) {
  fleet_of(100);
  fail_after_ = 5;
  EXPECT_EQ(run(4).error().message, "the disk is full");
  EXPECT_LE(verified_.size(), 12U);
}

TEST_F(ScannerTest, TheExternalIdIsKeptOutOfWhatIsShared) {
  fleet_of(50);
  for (int i = 0; i < 50; ++i) failing_.insert("r" + std::to_string(i));
  ASSERT_TRUE(run(8));
  for (std::size_t i = 1; i < 50; ++i) EXPECT_EQ(results_->of(i).finding, results_->of(0).finding);
  EXPECT_EQ(with_id(results_->finding(results_->of(9)).mend, "id-9"), "the condition has id-9");
}

}  // namespace
}  // namespace deputy::scan
