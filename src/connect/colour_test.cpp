#include "connect/colour.hpp"

#include <gtest/gtest.h>

namespace deputy::connect {
namespace {

TEST(Colour, ReadsSixHexadecimalDigitsAndNothingElse) {
  EXPECT_EQ(parse_colour("#0b5fFF").value(), (Colour{0x0b, 0x5f, 0xff}));
  EXPECT_EQ(to_text(parse_colour("#0b5fFF").value()), "#0b5fff");
  for (const char* wrong :
       {"", "#", "0b5fff", "#0b5ff", "#0b5fffa", "#0b5ffg", "red", "#fff", "#0b5fff;", "#0b5fff}"})
    EXPECT_TRUE(parse_colour(wrong).has_error()) << wrong;
}

TEST(Colour, ContrastIsThatOfWcag) {
  const Colour black{0, 0, 0}, white{255, 255, 255};
  EXPECT_NEAR(contrast(black, white), 21, 0.001);
  EXPECT_NEAR(contrast(white, white), 1, 0.001);
  EXPECT_NEAR(contrast({0x76, 0x76, 0x76}, white), 4.54, 0.01);
}

// Every colour of a coarse cube: whatever a partner sets, its texts can be read.
TEST(Colour, WhateverIsSetCanBeRead) {
  const Colour grounds[] = {{0xf3, 0xf5, 0xf8}, {0x22, 0x2a, 0x36}, {255, 255, 255}, {0, 0, 0}};
  for (int red = 0; red <= 255; red += 17)
    for (int green = 0; green <= 255; green += 17)
      for (int blue = 0; blue <= 255; blue += 17) {
        const Colour colour{static_cast<std::uint8_t>(red), static_cast<std::uint8_t>(green),
                            static_cast<std::uint8_t>(blue)};
        EXPECT_GE(contrast(colour, readable_on(colour)), 4.5) << to_text(colour);
        for (const Colour ground : grounds) {
          const Colour accent = adjusted_for(colour, ground, 4.5);
          EXPECT_GE(contrast(accent, ground), 4.5) << to_text(colour) << " on " << to_text(ground);
          EXPECT_GE(contrast(accent, readable_on(accent)), 4.5) << to_text(colour);
        }
      }
}

}  // namespace
}  // namespace deputy::connect
