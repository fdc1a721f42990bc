#include "policy_spec/comparison.hpp"

#include <gtest/gtest.h>

namespace deputy::policy_spec {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DEPUTY_SANITIZED 1
#endif
#endif
#ifdef DEPUTY_SANITIZED
constexpr std::size_t scenes = 1'500;
#elif defined(_FORTIFY_SOURCE)
constexpr std::size_t scenes = 5'000;
#else
constexpr std::size_t scenes = 2'500;
#endif
constexpr std::size_t requests_each = 8;

// In four parts, so that they run beside each other.
class PolicySpec : public testing::TestWithParam<std::uint64_t> {};

TEST_P(PolicySpec, TheEngineDecidesAsTheSpecificationDoes) {
  Tally tally;
  for (std::uint64_t i = 0; i < scenes; ++i) {
    const std::uint64_t seed = GetParam() * 1'000'000'000 + i;
    Choices choices{seed};
    const auto found = difference(random_scene(choices, requests_each), tally);
    ASSERT_FALSE(found.has_value()) << "seed " << seed << ": " << *found;
  }
  // A generator that makes only documents that nobody takes, or only denials, would show nothing.
  EXPECT_GT(tally.taken, tally.documents * 3 / 4);
  EXPECT_LT(tally.taken, tally.documents * 99 / 100);
  EXPECT_GT(tally.pairs, scenes * requests_each);
  EXPECT_GT(tally.allowed, tally.pairs / 20);
  EXPECT_GT(tally.explicitly_denied, tally.pairs / 20);
  RecordProperty("pairs", static_cast<int>(tally.pairs));
}
INSTANTIATE_TEST_SUITE_P(Seeds, PolicySpec, testing::Values(1, 2, 3, 4));

}  // namespace
}  // namespace deputy::policy_spec
