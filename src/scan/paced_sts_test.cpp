#include "scan/paced_sts.hpp"

#include "support/fake_clock.hpp"
#include "support/fake_sts.hpp"
#include "support/manual_loop.hpp"

#include <gmock/gmock.h>

#include "core/random.hpp"

namespace deputy::scan {
namespace {

using std::chrono::milliseconds;

class PacedStsTest : public ::testing::Test {
 protected:
  PacedStsTest() {
    inner_.on_assume_role = [this](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
      calls_at_.push_back(std::chrono::duration_cast<milliseconds>(clock_.steady_now() - began_));
      if (throttle_next_ > 0) {
        --throttle_next_;
        return FakeSts::throttle();
      }
      return FakeSts::session(call.request, clock_.now() + std::chrono::hours{1});
    };
  }

  void start(double rate) { sts_.emplace(loop_, clock_, random_, inner_, rate, stop_.get_token()); }
  Task<void> call() {
    const auto answer =
        co_await sts_->assume_role({.role_arn = RoleArn::parse("arn:aws:iam::222222222222:role/a").value(),
                                    .session_name = SessionName::parse("deputy").value()},
                                   Region::parse("eu-central-1").value(), aws::Credentials{});
    outcomes_.push_back(answer ? "ok" : answer.error().code);
  }
  void call_side_by_side(int count) {
    for (int i = 0; i < count; ++i) group_.spawn(call());
  }
  // The most calls in any window of that length.
  std::size_t most_within(milliseconds window) const {
    std::size_t most = 0;
    for (std::size_t i = 0, first = 0; i < calls_at_.size(); ++i) {
      while (calls_at_[i] - calls_at_[first] >= window) ++first;
      most = std::max(most, i - first + 1);
    }
    return most;
  }

  FakeClock clock_;
  ManualLoop loop_{clock_};
  SystemRandom random_;
  FakeSts inner_;
  std::stop_source stop_;
  std::optional<PacedSts> sts_;
  TaskGroup group_;
  std::chrono::steady_clock::time_point began_ = clock_.steady_now();
  std::vector<milliseconds> calls_at_;
  std::vector<std::string> outcomes_;
  int throttle_next_ = 0;
};

TEST_F(PacedStsTest, CallsLeaveEvenlyFromTheFirst) {
  start(100);
  call_side_by_side(200);
  loop_.advance(milliseconds{4000});
  EXPECT_EQ(calls_at_.size(), 200U);
  EXPECT_LE(most_within(milliseconds{1000}), 100U + 6U);  // what `late_max` may make up for
  EXPECT_LE(most_within(milliseconds{100}), 10U + 6U);
  EXPECT_NEAR(sts_->counts().calls_per_second(), 100, 5);
}

TEST_F(PacedStsTest, ARateThatIsNoWholeNumberOfMillisecondsIsKept) {
  start(600);
  call_side_by_side(1200);
  loop_.advance(milliseconds{1000});
  EXPECT_GE(calls_at_.size(), 570U);
  EXPECT_LE(calls_at_.size(), 600U + 31U);
  loop_.advance(milliseconds{2000});
  EXPECT_EQ(calls_at_.size(), 1200U);
}

TEST_F(PacedStsTest, IdleTimeIsNotSavedUp) {
  start(100);
  loop_.advance(milliseconds{60'000});
  call_side_by_side(100);
  loop_.run_ready();
  EXPECT_LE(calls_at_.size(), 6U);
  loop_.advance(milliseconds{2000});
}

TEST_F(PacedStsTest, AThrottleMakesEverybodyWaitAndLongerEachTime) {
  start(100);
  throttle_next_ = 1;
  call_side_by_side(50);
  loop_.advance(PacedSts::pause_min / 2 - milliseconds{1});
  EXPECT_LE(calls_at_.size(), 6U) << "only what was under way";
  const auto first_pause_over = calls_at_.size();
  throttle_next_ = 3;
  loop_.advance(milliseconds{400});
  EXPECT_LE(calls_at_.size(), first_pause_over + 6U);
  throttle_next_ = 0;
  loop_.advance(std::chrono::seconds{60});
  EXPECT_EQ(calls_at_.size(), 50U);
  EXPECT_GE(sts_->counts().throttles, 2U);
}

TEST_F(PacedStsTest, EachThrottleMakesThePauseLonger) {
  start(100);
  throttle_next_ = 1000;
  call_side_by_side(100);
  loop_.advance(std::chrono::seconds{10});
  EXPECT_LE(calls_at_.size(), 9U);
  EXPECT_GE(calls_at_.size(), 4U);
  throttle_next_ = 0;
  loop_.advance(std::chrono::minutes{2});
}

TEST_F(PacedStsTest, NeverFasterThanTheRateOverAll) {
  start(600);
  call_side_by_side(1200);
  loop_.advance(milliseconds{3000});
  EXPECT_EQ(calls_at_.size(), 1200U);
  EXPECT_LE(sts_->counts().calls_per_second(), 600);
  EXPECT_GE(sts_->counts().calls_per_second(), 0.99 * 600);
}

TEST_F(PacedStsTest, StoppingEndsWhoWaits) {
  start(1);
  call_side_by_side(10);
  stop_.request_stop();
  loop_.run_ready();
  EXPECT_EQ(group_.running(), 0U);
  EXPECT_THAT(outcomes_, ::testing::Contains("Closed"));
  EXPECT_EQ(calls_at_.size(), 1U);
}

}  // namespace
}  // namespace deputy::scan
