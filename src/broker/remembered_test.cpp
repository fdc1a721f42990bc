#include "broker/remembered.hpp"

#include <gtest/gtest.h>

namespace deputy::broker {
namespace {

using std::chrono::seconds;

const std::chrono::steady_clock::time_point begin_time{std::chrono::hours{1}};

TEST(Remembered, ForAWhile) {
  Remembered<int> memory{10, seconds{10}};
  memory.add("a", "acme", 1, begin_time);
  ASSERT_NE(memory.find("a", begin_time + seconds{9}), nullptr);
  EXPECT_EQ(*memory.find("a", begin_time), 1);
  EXPECT_EQ(memory.find("a", begin_time + seconds{10}), nullptr);
  EXPECT_EQ(memory.find("b", begin_time), nullptr);
}

TEST(Remembered, TheOldestGoesWhenThereAreTooMany) {
  Remembered<int> memory{3, seconds{10}};
  for (int i = 0; i < 100; ++i) memory.add(std::to_string(i), "acme", i, begin_time);
  EXPECT_EQ(memory.size(), 3U);
  EXPECT_EQ(memory.find("96", begin_time), nullptr);
  EXPECT_NE(memory.find("97", begin_time), nullptr);
}

TEST(Remembered, WhatIsOverGoesFirst) {
  Remembered<int> memory{3, seconds{10}};
  memory.add("a", "acme", 1, begin_time);
  memory.add("b", "acme", 2, begin_time + seconds{10});
  EXPECT_EQ(memory.size(), 1U);
}

TEST(Remembered, AgainIsANewBeginning) {
  Remembered<int> memory{2, seconds{10}};
  memory.add("a", "acme", 1, begin_time);
  memory.add("a", "acme", 2, begin_time + seconds{5});
  EXPECT_EQ(memory.size(), 1U);
  EXPECT_EQ(*memory.find("a", begin_time + seconds{14}), 2);
}

TEST(Remembered, ForgetsWhatIsOneOwners) {
  Remembered<int> memory{10, seconds{10}};
  memory.add("a", "acme", 1, begin_time);
  memory.add("b", "globex", 2, begin_time);
  memory.add("c", "acme", 3, begin_time);
  memory.forget_owner("acme");
  EXPECT_EQ(memory.size(), 1U);
  EXPECT_NE(memory.find("b", begin_time), nullptr);
  EXPECT_EQ(memory.find("a", begin_time), nullptr);
}

}  // namespace
}  // namespace deputy::broker
