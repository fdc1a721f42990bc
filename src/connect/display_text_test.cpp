#include "connect/display_text.hpp"

#include <gtest/gtest.h>

namespace deputy::connect {
namespace {

TEST(OneLine, KeepsWhatPeopleWriteInAnyScript) {
  for (const char* text : {"Acme GmbH", "Société Générale", "株式会社アクメ",
                           "\xD7\x90\xD7\xA7\xD7\x9E\xD7\x94", "👩‍💻 & Söhne <3"})
    EXPECT_EQ(one_line(text), text);
}

TEST(OneLine, TakesOutWhatCannotBeSeenButChangesWhatIs) {
  EXPECT_EQ(one_line("Ac\xE2\x80\xAEme"), "Acme");              // right-to-left override
  EXPECT_EQ(one_line("Ac\xE2\x81\xA6me\xE2\x81\xA9"), "Acme");  // isolates
  EXPECT_EQ(one_line("Ac\xE2\x80\x8Bme"), "Acme");              // zero width space
  EXPECT_EQ(one_line("Ac\xC2\xADme"), "Acme");                  // soft hyphen
  EXPECT_EQ(one_line("\xEF\xBB\xBF"
                     "Acme"),
            "Acme");                                    // byte order mark
  EXPECT_EQ(one_line("Acme\xF3\xA0\x81\x81"), "Acme");  // a tag character
}

TEST(OneLine, MakesBreaksAndControlsSingleSpaces) {
  EXPECT_EQ(one_line(" a\r\n\tb\xE2\x80\xA8 c\x1b[0m\x7f "), "a b c [0m");
  EXPECT_EQ(one_line(std::string_view{"a\0b", 3}), "a b");
}

TEST(OneLine, ShowsWhereUtf8IsBroken) {
  EXPECT_EQ(one_line("a\xff"
                     "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(one_line("\xed\xa0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // a surrogate
  EXPECT_EQ(one_line("a\xe2\x82"), "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(OneLine, CutsBetweenCharactersAndSaysSo) {
  EXPECT_EQ(one_line("abcdef", 6), "abcdef");
  EXPECT_EQ(one_line("abcdef", 4), "abc…");
  EXPECT_EQ(one_line("äöüß", 3), "äö…");
  EXPECT_FALSE(is_longer("äöü", 3));
  EXPECT_FALSE(is_longer("äöü \n ", 3));
  EXPECT_TRUE(is_longer("äöüß", 3));
}

TEST(Exact, KeepsLinesAndNamesWhatCannotBeSeen) {
  EXPECT_EQ(exact("a\n\tb  c\r\n"), "a\n\tb  c\n");
  EXPECT_EQ(exact("x\xE2\x80\xAEy"), "x\\u202ey");
  EXPECT_EQ(exact("\x1b"), "\\u001b");
  EXPECT_EQ(exact("\xF3\xA0\x81\x81"), "\\udb40\\udc41");
  EXPECT_EQ(exact("\xff"), "\xEF\xBF\xBD");
}

TEST(Sentence, BeginsLargeAndEnds) {
  EXPECT_EQ(sentence("the role is there"), "The role is there.");
  EXPECT_EQ(sentence("Already one."), "Already one.");
  EXPECT_EQ(sentence("`x` is wrong"), "`x` is wrong.");
  EXPECT_EQ(sentence(""), "");
}

TEST(DateText, IsUtcAndSaysSo) {
  EXPECT_EQ(date_text(parse_rfc3339("2026-02-03T04:05:59.9+01:00").value()), "3 Feb 2026, 03:05 UTC");
  EXPECT_EQ(date_text(parse_rfc3339("2027-12-31T23:59:59Z").value()), "31 Dec 2027, 23:59 UTC");
}

TEST(DurationText, TakesTheLargestUnitThatFits) {
  using std::chrono::seconds;
  EXPECT_EQ(duration_text(seconds{3600}), "1 hour");
  EXPECT_EQ(duration_text(seconds{43200}), "12 hours");
  EXPECT_EQ(duration_text(seconds{5400}), "90 minutes");
  EXPECT_EQ(duration_text(seconds{61}), "61 seconds");
  EXPECT_EQ(duration_text(seconds{604800}), "7 days");
  EXPECT_EQ(duration_text(seconds{0}), "0 seconds");
}

}  // namespace
}  // namespace deputy::connect
