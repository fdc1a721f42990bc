#include "registry/text_rules.hpp"

#include <gtest/gtest.h>

namespace deputy::registry {
namespace {

TEST(DisplayText, TakesWhatPeopleWrite) {
  for (const char* text : {"Acme", "Müller & Söhne GmbH", "株式会社", "<script>alert(1)</script>",
                           "🚀 Rockets", "O'Neil \"Bob\""}) {
    EXPECT_TRUE(check_display_text(text, "name", 200)) << text;
  }
}

TEST(DisplayText, RefusesControlsDirectionsAndBadUtf8) {
  using namespace std::string_literals;
  for (const auto& text : {""s, "a\nb"s, "a\0b"s, "\x1b[31m"s, "\xc2\x9b"s,
                           "a\xe2\x80\xae"
                           "b"s,
                           "\xe2\x81\xa6x"s, "\xff"s, "\xc0\xaf"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s,
                           "\xe2\x82"s, std::string(201, 'x')}) {
    const auto checked = check_display_text(text, "name", 200);
    ASSERT_FALSE(checked) << text;
    EXPECT_EQ(checked.error().field, "name");
  }
}

}  // namespace
}  // namespace deputy::registry
