#include "client/patience.hpp"

#include "support/fake_clock.hpp"

#include <gmock/gmock.h>
#include <limits>
#include <numeric>
#include <vector>

namespace deputy::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;

class PatienceTest : public ::testing::Test {
 protected:
  milliseconds waited() const { return std::accumulate(pauses_.begin(), pauses_.end(), milliseconds{0}); }

  FakeClock clock_;
  SystemRandom random_;
  std::vector<milliseconds> pauses_;
  Patience patience_{clock_, random_, [this](milliseconds time) {
                       pauses_.push_back(time);
                       clock_.advance(time);
                     }};
};

TEST_F(PatienceTest, WaitsAsTheServerWantsItAndALittleLonger) {
  ASSERT_TRUE(patience_.wait(seconds{2}));
  EXPECT_THAT(pauses_[0].count(), AllOf(Ge(2'000), Le(2'500)));
}

TEST_F(PatienceTest, WhereNothingOrNoTimeIsSaidItIsASecond) {
  ASSERT_TRUE(patience_.wait(std::nullopt));
  ASSERT_TRUE(patience_.wait(seconds{0}));
  ASSERT_TRUE(patience_.wait(seconds{-5}));
  for (const milliseconds pause : pauses_) EXPECT_THAT(pause.count(), AllOf(Ge(1'000), Le(1'250)));
}

TEST_F(PatienceTest, NeverWaitsLongerThanFiveSecondsAtOnce) {
  ASSERT_TRUE(patience_.wait(seconds{3600}));
  ASSERT_TRUE(patience_.wait(seconds{std::numeric_limits<std::int64_t>::max()}));
  EXPECT_EQ(pauses_[0], seconds{5});
  EXPECT_EQ(pauses_[1], seconds{5});
}

TEST_F(PatienceTest, EndsAfterTenSeconds) {
  int waits = 0;
  while (patience_.wait(seconds{1})) ASSERT_LT(++waits, 11);
  EXPECT_THAT(waited(), AllOf(Ge(seconds{8}), Le(seconds{10})));
}

TEST_F(PatienceTest, WhatTheAnswersTookCounts) {
  clock_.advance(seconds{8});
  EXPECT_FALSE(patience_.wait(seconds{3}));
  EXPECT_THAT(pauses_, ::testing::IsEmpty());
}

TEST_F(PatienceTest, ThoseWhoWereSentAwayTogetherDoNotComeBackTogether) {
  std::vector<milliseconds> others;
  for (int i = 0; i < 20; ++i) {
    Patience other{clock_, random_, [&others](milliseconds time) { others.push_back(time); }};
    other.wait(seconds{4});
  }
  EXPECT_NE(*std::ranges::min_element(others), *std::ranges::max_element(others));
}

}  // namespace
}  // namespace deputy::client
