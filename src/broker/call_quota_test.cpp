#include "broker/call_quota.hpp"

#include <gtest/gtest.h>

namespace deputy::broker {
namespace {

using std::chrono::milliseconds;
const std::string here = "eu-central-1";
const std::chrono::steady_clock::time_point start{std::chrono::hours{1}};

TEST(CallQuota, LetsASecondsCallsGoAtOnceAndThenSpacesThem) {
  CallQuota quota{10, milliseconds{500}};
  for (int i = 0; i < 10; ++i) EXPECT_EQ(quota.reserve(here, start), milliseconds{0}) << i;
  EXPECT_EQ(quota.reserve(here, start), milliseconds{100});
  EXPECT_EQ(quota.reserve(here, start), milliseconds{200});
}

TEST(CallQuota, RefusesRatherThanLetTheQueueGrow) {
  CallQuota quota{10, milliseconds{500}};
  int taken = 0;
  while (quota.reserve(here, start)) ++taken;
  EXPECT_EQ(taken, 15);
  EXPECT_EQ(quota.reserve(here, start), std::nullopt);
  EXPECT_EQ(quota.reserve(here, start + milliseconds{100}), milliseconds{500});
}

TEST(CallQuota, KeepsToTheRateOverTime) {
  CallQuota quota{100, milliseconds{0}};
  int taken = 0;
  for (milliseconds at{0}; at < std::chrono::seconds{10}; at += milliseconds{1})
    while (quota.reserve(here, start + at)) ++taken;
  EXPECT_GE(taken, 1090);
  EXPECT_LE(taken, 1100);
}

TEST(CallQuota, CountsEachSubjectApart) {
  CallQuota quota{1, milliseconds{0}};
  EXPECT_TRUE(quota.reserve(here, start));
  EXPECT_FALSE(quota.reserve(here, start));
  EXPECT_TRUE(quota.reserve("us-east-1", start));
}

TEST(CallQuota, TellsWhoIsRefusedWhenACallWouldGo) {
  CallQuota quota{2, milliseconds{1'000}};
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(quota.reserve(here, start)) << i;
  EXPECT_FALSE(quota.reserve(here, start));
  EXPECT_EQ(quota.free_in(here, start), milliseconds{1'500});
  EXPECT_EQ(quota.reserve(here, start + milliseconds{1'500}), milliseconds{0});
}

TEST(CallQuota, AFractionOfACallASecondWorks) {
  CallQuota quota{0.5, std::chrono::seconds{5}};
  EXPECT_EQ(quota.reserve(here, start), milliseconds{0});
  EXPECT_EQ(quota.reserve(here, start), milliseconds{2000});
}

}  // namespace
}  // namespace deputy::broker
