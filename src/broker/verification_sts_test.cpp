#include "broker/verification_sts.hpp"

#include "support/fake_sts.hpp"
#include "support/manual_loop.hpp"

#include <gtest/gtest.h>

namespace deputy::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class VerificationStsTest : public testing::Test {
 protected:
  VerificationStsTest() {
    sts.on_assume_role = [this](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
      return FakeSts::session(call.request, clock.now() + call.request.duration);
    };
  }
  Task<aws::AwsResult<aws::AssumedRole>> call() {
    return of_verification.assume_role(
        {.role_arn = RoleArn::parse("arn:aws:iam::222222222222:role/reader").value(),
         .session_name = SessionName::parse("con@verify").value(),
         .external_id = std::nullopt,
         .session_policy = std::nullopt,
         .tags = {},
         .source_identity = std::nullopt},
        here, {});
  }

  FakeClock clock;
  ManualLoop loop{clock};
  FakeSts sts;
  Tally tally;
  const Region here = Region::parse("eu-central-1").value();
  StsQuota quota{{.rate = 10, .verification_share = 0.2}, tally};
  VerificationSts of_verification{loop, clock, sts, quota};
};

TEST_F(VerificationStsTest, WaitsForItsTurn) {
  const auto began = clock.steady_now();
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(loop.run_through_time(call()));
  EXPECT_EQ(clock.steady_now() - began, seconds{2});  // two at once, then two a second
  EXPECT_EQ(sts.assume_role_calls.size(), 6U);
  EXPECT_EQ(tally.quota_calls_of_verification, 6U);
}

TEST_F(VerificationStsTest, WhatItTakesIssuingDoesNotGet) {
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(loop.run_through_time(call()));
  for (int i = 0; i < 8; ++i) EXPECT_EQ(quota.reserve(here, clock.steady_now()), milliseconds{0});
  EXPECT_GT(quota.reserve(here, clock.steady_now()), milliseconds{0});
}

TEST_F(VerificationStsTest, AWaitTooLongIsNoCallAtAll) {
  for (int i = 0; i < 22; ++i) EXPECT_TRUE(quota.reserve_for_verification(here, clock.steady_now()));
  const auto refused = loop.run(call());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error_class, aws::AwsErrorClass::throttled);
  EXPECT_EQ(refused.error().code, "QuotaExhausted");
  EXPECT_TRUE(sts.assume_role_calls.empty());
}

TEST_F(VerificationStsTest, AThrottleHoldsIssuingBackToo) {
  sts.on_assume_role = [](const auto&) -> aws::AwsResult<aws::AssumedRole> { return FakeSts::throttle(); };
  EXPECT_FALSE(loop.run_through_time(call()));
  EXPECT_DOUBLE_EQ(quota.lowest_rate(clock.steady_now()), 5);
}

}  // namespace
}  // namespace deputy::broker
