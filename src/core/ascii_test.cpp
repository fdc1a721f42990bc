#include "core/ascii.hpp"

#include <gtest/gtest.h>

namespace deputy {
namespace {

TEST(Ascii, LowersLettersAndNothingElse) {
  EXPECT_EQ(to_lower("sts:ExternalId-09_@[`{ÄÖ"), "sts:externalid-09_@[`{ÄÖ");
  EXPECT_EQ(to_lower('A'), 'a');
  EXPECT_EQ(to_lower('Z'), 'z');
  EXPECT_EQ(to_lower('['), '[');
  EXPECT_EQ(to_lower(""), "");
}

}  // namespace
}  // namespace deputy
