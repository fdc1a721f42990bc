#include "broker/remembered.hpp"

#include <gtest/gtest.h>

namespace deputy::broker {
namespace {

using std::chrono::seconds;

const std::chrono::steady_clock::time_point start{std::chrono::hours{1}};

TEST(Remembered, ForAWhile) {
  Remembered<int> memory{10, seconds{10}};
  memory.add("a", "acme", 1, start);
  ASSERT_NE(memory.find("a", start + seconds{9}), nullptr);
  EXPECT_EQ(*memory.find("a", start), 1);
  EXPECT_EQ(memory.find("a", start + seconds{10}), nullptr);
  EXPECT_EQ(memory.find("b", start), nullptr);
}

TEST(Remembered, TheOldestGoesWhenThereAreTooMany) {
  Remembered<int> memory{3, seconds{10}};
  for (int i = 0; i < 100; ++i) memory.add(std::to_string(i), "acme", i, start);
  EXPECT_EQ(memory.size(), 3U);
  EXPECT_EQ(memory.find("96", start), nullptr);
  EXPECT_NE(memory.find("97", start), nullptr);
}

TEST(Remembered, WhatIsOverGoesFirst) {
  Remembered<int> memory{3, seconds{10}};
  memory.add("a", "acme", 1, start);
  memory.add("b", "acme", 2, start + seconds{10});
  EXPECT_EQ(memory.size(), 1U);
}

TEST(Remembered, AgainIsANewBeginning) {
  Remembered<int> memory{2, seconds{10}};
  memory.add("a", "acme", 1, start);
  memory.add("a", "acme", 2, start + seconds{5});
  EXPECT_EQ(memory.size(), 1U);
  EXPECT_EQ(*memory.find("a", start + seconds{14}), 2);
}

TEST(Remembered, ForgetsWhatIsOneOwners) {
  Remembered<int> memory{10, seconds{10}};
  memory.add("a", "acme", 1, start);
  memory.add("b", "globex", 2, start);
  memory.add("c", "acme", 3, start);
  memory.forget_owner("acme");
  EXPECT_EQ(memory.size(), 1U);
  EXPECT_NE(memory.find("b", start), nullptr);
  EXPECT_EQ(memory.find("a", start), nullptr);
}

}  // namespace
}  // namespace deputy::broker
