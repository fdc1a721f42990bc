#include "json/text.hpp"

#include <gtest/gtest.h>
#include <vector>

#include "json/reader.hpp"

namespace deputy::json {
namespace {

TEST(JsonText, SpellsWhatIsNotPrintableAsEscapes) {
  EXPECT_EQ(escaped("plain \"quotes\" stay"), "plain \"quotes\" stay");
  EXPECT_EQ(escaped("a\x1b[31m\n\x7f"), "a\\u001b[31m\\u000a\\u007f");
  EXPECT_EQ(escaped("ä€😀"), "\\u00e4\\u20ac\\ud83d\\ude00");
}

TEST(JsonText, AQuotedTextIsReadBackAsItWas) {
  for (const std::string text : {"", "a", "\"\\", "line\nend", "ä€😀\x7f"}) {
    const auto read_back = read(in_quotes(text));
    ASSERT_TRUE(read_back) << in_quotes(text);
    EXPECT_EQ(read_back.value().text, text);
  }
}

TEST(JsonText, TakesOneCharacterAfterTheOther) {
  std::string_view text = "a€😀";
  std::vector<char32_t> taken;
  while (!text.empty()) taken.push_back(take_character(text));
  EXPECT_EQ(taken, (std::vector<char32_t>{U'a', U'€', U'😀'}));
}

TEST(JsonText, BrokenUtf8IsTakenToItsEndAndNotBeyond) {
  for (const std::string_view broken : {"\x80", "\xff", "\xe2\x82", "\xf0", "\xc3"}) {
    std::string_view rest = broken;
    while (!rest.empty()) take_character(rest);
    EXPECT_EQ(escaped(broken).find_first_of(broken), std::string::npos);
  }
}

}  // namespace
}  // namespace deputy::json
