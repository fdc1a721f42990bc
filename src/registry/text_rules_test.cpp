#include "registry/text_rules.hpp"

#include <gtest/gtest.h>

namespace deputy::registry {
namespace {

std::string utf8(char32_t c) {
  std::string out;
  const auto tail = [&](int shift) { out += static_cast<char>(0x80U | ((c >> shift) & 0x3fU)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0U | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0U | (c >> 12));
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xf0U | (c >> 18));
    tail(12), tail(6), tail(0);
  }
  return out;
}

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

TEST(DisplayText, RefusesWhatNobodySeesAnywhere) {
  for (const char32_t c :
       {0x200b,  0x2060,  0x3164,   0x115f,  0x1160, 0xffa0, 0xad,    0xa0,   0x2800, 0xfe0f, 0x34f,
        0xe0041, 0x2028,  0x2029,   0x200d,  0xfeff, 0x2003, 0x202f,  0x1680, 0x180e, 0x17b5, 0x1d173,
        0xe000,  0xf0000, 0x10fffd, 0x50000, 0xfdd0, 0xffff, 0x1fffe, 0x600,  0x85}) {
    const std::string bad = utf8(c);
    for (const auto& text : {bad, "Acme" + bad, bad + "Acme", "Ac" + bad + "me"})
      EXPECT_FALSE(check_display_text(text, "name", 200)) << std::hex << static_cast<std::uint32_t>(c);
  }
  for (const char* blank : {" ", "   ", "\u3000", " \u0301", "\u0301\u20dd"})
    EXPECT_FALSE(check_display_text(blank, "name", 200)) << blank;
}

TEST(DisplayText, NamesTheCharacterAndItsPlace) {
  const auto error = check_display_text("Mü\u200bller", "name", 200).error();
  EXPECT_EQ(error.message, "`name` has U+200B as its character 3: an invisible character");
  EXPECT_EQ(error.field, "name");
}

TEST(DisplayText, TakesMarksAndWideSpacesBesideLetters) {
  for (const char* text : {"A\u0301cme", "株式会社\u3000東京", "हिन्दी", "ไทย", "עברית", "العربية", "한국",
                           "𠮷野家", "Acme™ (EU)", "☂ & Co."})
    EXPECT_TRUE(check_display_text(text, "name", 200)) << text;
}

}  // namespace
}  // namespace deputy::registry
