#include "verify/pattern_cover.hpp"

#include "support/fake_random.hpp"

#include <gtest/gtest.h>
#include <string>

#include "policy/decision.hpp"

namespace deputy::verify {
namespace {

TEST(PatternCover, AWiderPatternCoversANarrowerOne) {
  EXPECT_TRUE(covers_action("*", "s3:GetObject"));
  EXPECT_TRUE(covers_action("s3:*", "S3:Get*"));
  EXPECT_TRUE(covers_action("s3:Get*", "s3:GetObject*"));
  EXPECT_TRUE(covers_action("s3:*Object", "s3:*tObject"));
  EXPECT_TRUE(covers_action("s3:?et*", "s3:Get?"));
  EXPECT_TRUE(covers_action("s3:**", "s3:*"));
}

TEST(PatternCover, ANarrowerPatternCoversNoWiderOne) {
  EXPECT_FALSE(covers_action("s3:GetObject", "s3:*"));
  EXPECT_FALSE(covers_action("s3:Get?", "s3:Get*"));
  EXPECT_FALSE(covers_action("s3:GetO", "s3:Get?"));
  EXPECT_FALSE(covers_action("s3:Get*", "s3:*"));
  EXPECT_FALSE(covers_action("s3:Get*Object", "s3:Get*"));
  EXPECT_FALSE(covers_action("", "*"));
}

TEST(PatternCover, ResourcesAreComparedSegmentBySegment) {
  EXPECT_TRUE(covers_resource("*", "anything"));
  EXPECT_TRUE(covers_resource("arn:aws:s3:::*", "arn:aws:s3:::bucket/*"));
  EXPECT_TRUE(covers_resource("arn:aws:logs:*:*:log-group:/acme/*",
                              "arn:aws:logs:eu-central-1:1:log-group:/acme/web:*"));
  // A wildcard does not reach across the first five colons, as it does not where IAM matches.
  EXPECT_FALSE(covers_resource("arn:aws:*", "arn:aws:s3:::bucket"));
  EXPECT_FALSE(covers_resource("arn:aws:s3:::bucket", "arn:aws:s3:::Bucket"));
  EXPECT_FALSE(covers_resource("arn:aws:s3:::bucket/*", "*"));
}

TEST(PatternCover, VariablesAreOpaque) {
  EXPECT_TRUE(covers_resource("arn:aws:s3:::${aws:username}", "arn:aws:s3:::${aws:username}"));
  // `${*}` is an asterisk, not a wildcard.
  EXPECT_FALSE(covers_resource("arn:aws:s3:::${*}", "arn:aws:s3:::${aws:username}"));
  EXPECT_TRUE(covers_resource("arn:aws:s3:::*", "arn:aws:s3:::${aws:username}"));
}

// What is said to be covered is: every text that the narrow pattern matches, the wide one matches.
TEST(PatternCover, AgreesWithTheMatcherOnRandomPatterns) {
  SeededRandom random;
  const auto draw = [&](std::string_view alphabet) {
    std::string text;
    for (auto left = uniform(random, 6); left > 0; --left) text += alphabet[uniform(random, alphabet.size())];
    return text;
  };
  int covered = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string wide = draw("ab*?"), narrow = draw("ab*?"), text = draw("ab");
    if (!covers_action(wide, narrow)) continue;
    ++covered;
    if (policy::glob_matches(narrow, text))
      ASSERT_TRUE(policy::glob_matches(wide, text)) << wide << " over " << narrow << ": " << text;
  }
  EXPECT_GT(covered, 1'000);
}

}  // namespace
}  // namespace deputy::verify
