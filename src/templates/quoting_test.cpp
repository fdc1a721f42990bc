#include "templates/quoting.hpp"

#include <gtest/gtest.h>
#include <regex>

namespace deputy::templates {
namespace {

using namespace std::string_literals;

TEST(Readable, IsOneLineOfVisibleText) {
  EXPECT_EQ(readable("a\nb\r\nc\td\x7f", 100), "a b  c d ");
  EXPECT_EQ(readable("a\0b"s, 100), "a b");
  EXPECT_EQ(readable("a\u2028b\u2029c\u0085d", 100), "a b c d");
  EXPECT_EQ(readable("Müller & Söhne 株式会社", 100), "Müller & Söhne 株式会社");
}

TEST(Readable, DropsWhatTurnsOrHidesText) {
  EXPECT_EQ(readable("gpj.\u202Eexe\u202C", 100), "gpj.exe");
  EXPECT_EQ(readable("a\u200B\u200F\u2066\uFEFF\U000E0041b", 100), "ab");
}

TEST(Readable, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(readable("a\xff"
                     "b",
                     100),
            "a\uFFFDb");
  EXPECT_EQ(readable("\xc0\xaf", 100), "\uFFFD\uFFFD");            // overlong `/`
  EXPECT_EQ(readable("\xed\xa0\x80", 100), "\uFFFD\uFFFD\uFFFD");  // surrogate
  EXPECT_EQ(readable("\xe2\x80", 100), "\uFFFD\uFFFD");            // cut
}

TEST(Readable, BreaksWhatTemplatesFillIn) {
  EXPECT_EQ(readable("${AWS::AccountId} %{if} $ {", 100), "$ {AWS::AccountId} % {if} $ {");
  EXPECT_EQ(readable("{{resolve:secretsmanager:prod}}", 100), "{ {resolve:secretsmanager:prod}}");
  EXPECT_EQ(readable("{{{", 100), "{ { {");
  EXPECT_EQ(readable("{\u200B{", 100), "{ {");
}

TEST(Readable, CutsBetweenCharacters) {
  EXPECT_EQ(readable("aü", 2), "a");
  EXPECT_EQ(readable("aü", 3), "aü");
}

TEST(TagValue, KeepsLettersAndReplacesTheRest) {
  EXPECT_EQ(tag_value("Acme & Co. <script>"), "Acme _ Co. _script_");
  EXPECT_EQ(tag_value("Müller 株式会社 Ж"), "Müller 株式会社 Ж");
  EXPECT_EQ(tag_value("a{{b}}"), "a_ _b__");
  EXPECT_EQ(tag_value(std::string(300, 'x')).size(), 256U);
}

TEST(RoleDescriptionText, IsLatin1) {
  EXPECT_EQ(role_description_text("Müller 株"), "Müller ?");
  EXPECT_EQ(role_description_text(std::string(2'000, 'x')).size(), 1'000U);
}

TEST(YamlQuoted, EscapesWhatEndsOrBendsAScalar) {
  EXPECT_EQ(yaml_quoted("a\"b\\c\nd\0"s), R"("a\"b\\c\nd\x00")");
  EXPECT_EQ(yaml_quoted("\u202E\U000E0041"), R"("\u202e\U000e0041")");
}

TEST(HclQuoted, DoublesInterpolation) {
  EXPECT_EQ(hcl_quoted("${a} %{b} $${c} $"), R"("$${a} %%{b} \u0024$${c} $")");
  EXPECT_EQ(hcl_quoted("a\"b\\c\nd\0"s), R"("a\"b\\c\nd\u0000")");
}

TEST(ShellQuoted, IsOneWord) {
  EXPECT_EQ(shell_quoted("it's $(x) `y` \\"), R"('it'\''s $(x) `y` \')");
  EXPECT_EQ(shell_quoted("a\0b"s), "'ab'");
}

TEST(UrlEncoded, LeavesTheUnreservedAlone) {
  EXPECT_EQ(url_encoded("aZ0-._~/ ?&=#ü"), "aZ0-._~%2F%20%3F%26%3D%23%C3%BC");
}

TEST(RegexExactly, MatchesTheTextAlone) {
  const std::string text = "arn:aws:iam::111122223333:role/a+b.c=d,e@f/x(y)";
  const std::regex pattern{regex_exactly(text)};
  EXPECT_TRUE(std::regex_match(text, pattern));
  EXPECT_FALSE(std::regex_match("arn:aws:iam::111122223333:role/a+bxc=d,e@f/x(y)", pattern));
}

}  // namespace
}  // namespace deputy::templates
