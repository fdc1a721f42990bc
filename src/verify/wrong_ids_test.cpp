#include "verify/wrong_ids.hpp"

#include "support/fake_random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

namespace deputy::verify {
namespace {

constexpr std::string_view issued_text = "3f2a9c4e-8b1d-4c6f-9e2a-7d5b1c0f8a63";

std::vector<std::string> texts_for(std::string_view right, std::uint64_t seed = 1) {
  SeededRandom random{seed};
  std::vector<std::string> texts;
  for (const WrongId& wrong : wrong_ids(ExternalId::parse(right).value(), {}, random))
    texts.push_back(wrong.id.text());
  return texts;
}

TEST(WrongIds, BendTheIssuedOneInEveryWay) {
  const auto texts = texts_for(issued_text);
  ASSERT_EQ(texts.size(), 7U);
  EXPECT_THAT(texts[0],
              testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_EQ(texts[1], "3F2A9C4E-8B1D-4C6F-9E2A-7D5B1C0F8A63");
  EXPECT_EQ(texts[2], std::string{issued_text} + "0");
  EXPECT_EQ(texts[3], "0" + std::string{issued_text});
  EXPECT_EQ(texts[4], "3f2a9c4e-8b1d-4c6f-9e2a-7d5b1c0f8a60");
  EXPECT_EQ(texts[5].substr(0, 9), "3f2a9c4e-");
  EXPECT_EQ(texts[5].size(), issued_text.size());
  EXPECT_EQ(texts[6].substr(28), "1c0f8a63");
  EXPECT_EQ(texts[6].size(), issued_text.size());
}

TEST(WrongIds, AreNeverTheRightOneNorAnAcceptedOne) {
  for (const char* right : {"ab", "00", "A1", "1234567", "customer-4711", "UPPER-ONLY"}) {
    const auto texts = texts_for(right);
    EXPECT_GE(texts.size(), 5U) << right;
    EXPECT_THAT(texts, testing::Not(testing::Contains(right)));
  }
  SeededRandom random;
  const auto next = ExternalId::parse(std::string{issued_text} + "0").value();
  for (const WrongId& wrong : wrong_ids(ExternalId::parse(issued_text).value(), {next}, random))
    EXPECT_NE(wrong.id, next);
}

TEST(WrongIds, LeaveOutWhatStsWouldNotTake) {
  const std::string longest(1224, 'x');
  for (const std::string& text : texts_for(longest)) EXPECT_LE(text.size(), 1224U);
  EXPECT_EQ(texts_for(longest).size(), 5U);
}

TEST(WrongIds, AreDrawnAnewEachTime) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) seen.insert(texts_for(issued_text, seed).front());
  EXPECT_EQ(seen.size(), 50U);
}

}  // namespace
}  // namespace deputy::verify
