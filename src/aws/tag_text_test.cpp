#include "aws/tag_text.hpp"

#include <gtest/gtest.h>

namespace deputy::aws {
namespace {

TEST(TagText, HasLettersSpacesAndNumbersOfAnyScript) {
  for (const char* taken :
       {"", "Cost Centre_.:/=+-@ 1", "M\u00fcnchen", "\u6771\u4eac", "\u0416", "\u00a0", "\u3000", "\u2028",
        "\u00bd", "\u0661", "\u2167", "\u0e01", "\U00020000", "\u00aa"})
    EXPECT_TRUE(is_tag_text(taken, 256)) << taken;
}

TEST(TagText, HasNothingElse) {
  for (const char* refused : {"a*",
                              "a,b",
                              "a\tb",
                              "<",
                              "\x7f",
                              "\u0085",
                              "\u00a7",
                              "\u00d7",
                              "\u20ac",
                              "\U0001f600",
                              "\u2603",
                              "\u200b",
                              "\u202e",
                              "\u00ad",
                              "\ufeff",
                              "\ue000",
                              "\U000f0000",
                              "\U000e0041",
                              "\u0301",
                              "\u093f",
                              "\u0378",
                              "\uffff",
                              "\xff",
                              "\xc3",
                              "\xed\xa0\x80",
                              "\xc1\x81",
                              "\xf4\x90\x80\x80"})
    EXPECT_FALSE(is_tag_text(refused, 256)) << refused;
}

TEST(TagText, IsCountedInCharacters) {
  EXPECT_TRUE(is_tag_text("\u00fc\u00fc", 2));
  EXPECT_FALSE(is_tag_text("\u00fc\u00fc\u00fc", 2));
}

TEST(TagText, KeysThatDifferInCaseAreOne) {
  EXPECT_EQ(folded_tag_key("Team-A"), "team-a");
  EXPECT_EQ(folded_tag_key("\u00c9t\u00c9 \u00c0\u00de"), "\u00e9t\u00e9 \u00e0\u00fe");
  for (const char* same : {"\u00df", "\u00e9", "\u00ff", "\u0416", "\u6771\u4eac", "\u0100"})
    EXPECT_EQ(folded_tag_key(same), same);
}

}  // namespace
}  // namespace deputy::aws
