#include "broker/sts_quota.hpp"

#include <gtest/gtest.h>

namespace deputy::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const StsQuota::Time opening{std::chrono::hours{1}};

class StsQuotaTest : public testing::Test {
 protected:
  // Calls that go out at once over so long a time, when somebody asks each millisecond.
  int taken(StsQuota& quota, milliseconds from, milliseconds to) {
    int calls = 0;
    for (milliseconds at = from; at < to; at += milliseconds{1})
      while (quota.reserve(here, opening + at)) ++calls;
    return calls;
  }
  static StsQuota::Settings unwaiting(double rate) {
    return {.rate = rate, .wait_max = milliseconds{0}, .verification_wait_max = milliseconds{0}};
  }

  Tally tally;
  const Region here = Region::parse("eu-central-1").value();
  const Region there = Region::parse("us-east-1").value();
};

TEST_F(StsQuotaTest, LetsASecondsCallsGoAtOnceAndThenSpacesThem) {
  StsQuota quota{{.rate = 10, .wait_max = milliseconds{500}}, tally};
  for (int i = 0; i < 10; ++i) EXPECT_EQ(quota.reserve(here, opening), milliseconds{0}) << i;
  EXPECT_EQ(quota.reserve(here, opening), milliseconds{100});
  EXPECT_EQ(tally.quota_waits, 1U);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(quota.reserve(here, opening));
  EXPECT_EQ(quota.reserve(here, opening), std::nullopt);
  EXPECT_EQ(tally.quota_refusals, 1U);
  EXPECT_EQ(quota.reserve(there, opening), milliseconds{0});  // each Region has its own
}

TEST_F(StsQuotaTest, AThrottleHalvesTheRateAndEmptiesTheBucket) {
  StsQuota quota{unwaiting(100), tally};
  ASSERT_EQ(taken(quota, milliseconds{0}, milliseconds{1}), 100);
  for (int i = 0; i < 50; ++i) quota.throttled(here, opening);  // all of one burst: one cut
  EXPECT_EQ(tally.quota_cuts, 1U);
  EXPECT_DOUBLE_EQ(quota.lowest_rate(opening), 50);
  const int calls = taken(quota, milliseconds{1}, seconds{1});
  EXPECT_GE(calls, 48);
  EXPECT_LE(calls, 53);
  EXPECT_TRUE(quota.reserve(there, opening + seconds{1}));  // not the Region that was throttled
}

TEST_F(StsQuotaTest, ComesBackEvenlyAndNotAtOnce) {
  StsQuota quota{unwaiting(100), tally};
  for (int i = 0; i < 4; ++i) quota.throttled(here, opening + seconds{2 * i});
  const double low = quota.lowest_rate(opening + seconds{6});
  EXPECT_LT(low, 20);
  EXPECT_NEAR(quota.lowest_rate(opening + seconds{12}), low + 20, 0.5);
  EXPECT_DOUBLE_EQ(quota.lowest_rate(opening + seconds{36}), 100);
  // An idle minute saves up no more than one second's calls.
  EXPECT_EQ(taken(quota, seconds{100}, seconds{100} + milliseconds{1}), 100);
}

TEST_F(StsQuotaTest, HoweverOftenItIsThrottledSomeCallsAreMade) {
  StsQuota quota{{.rate = 100}, tally};
  for (int i = 0; i < 100; ++i) quota.throttled(here, opening + seconds{i});
  EXPECT_GE(quota.lowest_rate(opening + seconds{99}), 100.0 / 64);
  EXPECT_TRUE(quota.reserve(here, opening + seconds{99}));
}

// Issuing asks for all it can get; verification gets its share and no more, and issuing the rest.
TEST_F(StsQuotaTest, VerificationKeepsToItsShareWhileIssuingWaits) {
  StsQuota quota{unwaiting(100), tally};
  int issued = 0, verified = 0;
  for (milliseconds at{0}; at < seconds{20}; at += milliseconds{1}) {
    while (quota.reserve_for_verification(here, opening + at)) ++verified;
    while (quota.reserve(here, opening + at)) ++issued;
  }
  EXPECT_LE(verified, 20 * 20 + 20);
  EXPECT_GE(issued, 80 * 20);
  EXPECT_LE(issued + verified, 100 * 20 + 100);
}

TEST_F(StsQuotaTest, VerificationsShareShrinksWithTheRate) {
  StsQuota quota{{.rate = 100,
                  .wait_max = milliseconds{0},
                  .verification_wait_max = milliseconds{0},
                  .recovery = std::chrono::hours{24}},
                 tally};
  quota.throttled(here, opening);
  int verified = 0;
  for (milliseconds at{0}; at < seconds{10}; at += milliseconds{1})
    while (quota.reserve_for_verification(here, opening + at)) ++verified;
  EXPECT_LE(verified, 101);
  EXPECT_GE(verified, 95);
}

TEST_F(StsQuotaTest, WithoutAShareThereIsNoVerification) {
  StsQuota quota{{.rate = 100, .verification_share = 0}, tally};
  EXPECT_FALSE(quota.reserve_for_verification(here, opening));
}

TEST_F(StsQuotaTest, AClockThatStandsStillGivesNothingAway) {
  StsQuota quota{unwaiting(2), tally};
  EXPECT_EQ(taken(quota, milliseconds{0}, milliseconds{1}), 2);
  EXPECT_FALSE(quota.reserve(here, opening - seconds{10}));
}

}  // namespace
}  // namespace deputy::broker
