#include "core/random.hpp"

#include <gtest/gtest.h>
#include <set>

namespace deputy {
namespace {

TEST(Random, UniformStaysBelowItsBoundAndReachesAll) {
  SystemRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(uniform(random, 3));
  EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2}));
}

TEST(Random, FullJitterCoversZeroToCeiling) {
  SystemRandom random;
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(full_jitter(random, std::chrono::milliseconds{2}).count());
  EXPECT_EQ(seen, (std::set<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(full_jitter(random, std::chrono::milliseconds{0}).count(), 0);
}

TEST(Random, Base32NeverRepeatsAndKeepsToItsAlphabet) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto text = random_base32(random, 24);
    EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567"), std::string::npos);
    EXPECT_TRUE(seen.insert(text).second);
  }
}

}  // namespace
}  // namespace deputy
