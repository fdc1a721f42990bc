#include "json/reader.hpp"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deputy::json {
namespace {

using testing::HasSubstr;

Value good(std::string_view text) {
  auto value = read(text);
  EXPECT_TRUE(value.has_value()) << text << ": " << (value ? "" : value.error().message);
  return value ? std::move(value).value() : Value{};
}

std::string bad(std::string_view text, Limits limits = {}) {
  const auto value = read(text, limits);
  EXPECT_FALSE(value.has_value()) << text;
  return value ? "" : value.error().message;
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += part;
  return out;
}

TEST(JsonReader, KeepsEveryKindOfValue) {
  const Value value =
      good(R"({"a": [null, true, false, -1.50e+3, "x\n\u00e9\ud83d\ude00"], "b": {}, "c": []})");
  ASSERT_TRUE(value.is(Kind::object));
  const Value* a = value.find("a");
  ASSERT_NE(a, nullptr);
  ASSERT_EQ(a->elements.size(), 5U);
  EXPECT_TRUE(a->elements[0].is(Kind::null));
  EXPECT_TRUE(a->elements[1].boolean);
  EXPECT_FALSE(a->elements[2].boolean);
  EXPECT_EQ(a->elements[3].text, "-1.50e+3");
  EXPECT_EQ(a->elements[4].text, "x\n\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_TRUE(value.find("b")->is(Kind::object));
  EXPECT_TRUE(value.find("c")->is(Kind::array));
  EXPECT_EQ(value.find("A"), nullptr);
}

TEST(JsonReader, KeepsNumbersAsTheyWereWritten) {
  for (const std::string_view literal : {"0", "-0", "1", "123456789012345678901234567890", "1.10", "1E5",
                                         "1e-5", "0.1", "9223372036854775808"}) {
    const Value value = good(literal);
    EXPECT_TRUE(value.is(Kind::number));
    EXPECT_EQ(value.text, literal);
    EXPECT_EQ(good("[" + std::string{literal} + "]").elements.at(0).text, literal);
  }
}

TEST(JsonReader, KnowsWhereValuesAndNamesStood) {
  const Value value = good("{\n  \"a\\\"b\": \"x\",\n\t\"c\" :\t[ 1 , {\"d\":true} ] }");
  EXPECT_EQ(value.position.offset, 0U);
  EXPECT_EQ(at(value.members.at(0).position), " at line 2, column 3");
  EXPECT_EQ(at(value.members.at(0).value.position), " at line 2, column 11");
  const Member& c = value.members.at(1);
  EXPECT_EQ(at(c.position), " at line 3, column 2");
  EXPECT_EQ(at(c.value.position), " at line 3, column 8");
  EXPECT_EQ(at(c.value.elements.at(0).position), " at line 3, column 10");
  EXPECT_EQ(at(c.value.elements.at(1).members.at(0).value.position), " at line 3, column 19");
}

TEST(JsonReader, PositionsSurviveBracketsInsideStrings) {
  const Value value = good(R"(["]},:\\", "\"", 7])");
  EXPECT_EQ(value.elements.at(1).position.offset, 11U);
  EXPECT_EQ(value.elements.at(2).position.offset, 17U);
}

TEST(JsonReader, RefusesDuplicateMembers) {
  EXPECT_EQ(bad("{\"a\":1,\n\"b\":2,\n \"a\":3}"), "duplicate member `a` at line 3, column 2");
  EXPECT_THAT(bad(R"({"x":{"y":1,"y":2}})"), HasSubstr("duplicate member `y`"));
}

TEST(JsonReader, RefusesDuplicatesSpelledWithEscapes) {
  EXPECT_THAT(bad(R"({"Effect":1,"\u0045ffect":2})"),
              HasSubstr("duplicate member `Effect` at line 1, column 13"));
  EXPECT_THAT(bad(R"({"\ud83d\ude00":1,"😀":2})"), HasSubstr("duplicate member"));
  EXPECT_THAT(bad(R"({"a\u0000b":1,"a\u0000b":2})"), HasSubstr("duplicate member"));
  EXPECT_THAT(bad(R"({"":1,"":2})"), HasSubstr("duplicate member"));
}

TEST(JsonReader, NamesThatDifferInCaseOrAfterANulAreNotDuplicates) {
  EXPECT_EQ(good(R"({"a":1,"A":2,"a\u0000":3,"a\u0000b":4})").members.size(), 4U);
}

TEST(JsonReader, KeepsNulEscapes) {
  EXPECT_EQ(good(R"("a\u0000b")").text, std::string("a\0b", 3));
}

TEST(JsonReader, RefusesWhatIsNotStrictJson) {
  for (const std::string_view text : {"",
                                      " ",
                                      "{",
                                      "[",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "// x\n1",
                                      "/* */1",
                                      "01",
                                      "+1",
                                      "1.",
                                      ".5",
                                      "1e",
                                      "NaN",
                                      "Infinity",
                                      "-",
                                      "tru",
                                      "True",
                                      "nul",
                                      "\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\n\"",
                                      "\"\t\"",
                                      "[1 2]",
                                      "{\"a\" 1}",
                                      "{\"a\":}",
                                      "{1:2}",
                                      "]",
                                      "}",
                                      ",",
                                      ":",
                                      "\xef\xbb\xbf{}",
                                      "Version: 2012"}) {
    EXPECT_FALSE(read(text).has_value()) << text;
  }
  EXPECT_FALSE(read(std::string_view{"\0", 1}).has_value());
  EXPECT_FALSE(read(std::string_view{"\"a\0b\"", 5}).has_value());
}

TEST(JsonReader, RefusesAnythingAfterTheText) {
  EXPECT_THAT(bad("{} x"), HasSubstr("at line 1, column 4"));
  EXPECT_THAT(bad("{}{}"), HasSubstr("at line 1, column 3"));
  EXPECT_THAT(bad("1 2"), HasSubstr("at line 1, column 3"));
  EXPECT_FALSE(read(std::string_view{"{}\0", 3}).has_value());
  EXPECT_TRUE(read(" \t\r\n{} \t\r\n").has_value());
}

TEST(JsonReader, RefusesInvalidUtf8) {
  for (const std::string_view bytes : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\xaf", "\xed\xa0\x80",
                                       "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xff"}) {
    EXPECT_FALSE(read("\"" + std::string{bytes} + "\"").has_value());
    EXPECT_FALSE(read("{\"" + std::string{bytes} + "\":1}").has_value());
  }
}

TEST(JsonReader, RefusesLoneSurrogates) {
  for (const std::string_view text : {R"("\ud800")", R"("\udc00")", R"("\ud800x")", R"("\ud800\u0041")",
                                      R"("\ud800\ud800")", R"({"\udfff":1})"}) {
    EXPECT_FALSE(read(text).has_value()) << text;
  }
}

TEST(JsonReader, BoundsDepth) {
  const Limits limits{.depth_max = 4};
  EXPECT_TRUE(read("[[[[1]]]]", limits).has_value());
  EXPECT_EQ(bad("[[[[\n[1]]]]]", limits), "nested deeper than 4 levels at line 2, column 1");
  EXPECT_THAT(bad(repeated("[", 60'000)), HasSubstr("nested deeper than 32 levels"));
  EXPECT_THAT(bad(repeated("{\"a\":", 10'000)), HasSubstr("nested deeper than 32 levels"));
}

TEST(JsonReader, BoundsTheNumberOfValues) {
  EXPECT_TRUE(read("[1,2]", {.values_max = 3}).has_value());
  EXPECT_EQ(bad("[1,2,3]", {.values_max = 3}), "more than 3 values at line 1, column 6");
  EXPECT_THAT(bad("[" + repeated("1,", 30'000) + "1]"), HasSubstr("more than 20000 values"));
}

TEST(JsonReader, BoundsTheSize) {
  const auto value = read("\"" + std::string(64 * 1024, 'a') + "\"");
  ASSERT_FALSE(value.has_value());
  EXPECT_EQ(value.error().kind, ErrorKind::payload_too_large);
}

TEST(JsonReader, ManyMembersAreReadInTime) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += "\"" + std::to_string(i) + "\":0,";
  text += "\"x\":0}";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(read(text, {.bytes_max = 16U << 20U, .values_max = 1'000'000}).has_value());
  EXPECT_LT(std::chrono::steady_clock::now() - start,
            std::chrono::seconds{20});  // quadratic would take minutes
}

TEST(JsonReader, ErrorsSayWhere) {
  EXPECT_THAT(bad("{\"a\": 1,\n  b}"), HasSubstr("at line 2, column 3"));
  EXPECT_THAT(bad(R"(["\ud800x"])"), HasSubstr("at line 1, column 9"));
  EXPECT_EQ(read("[1,").error().kind, ErrorKind::invalid_request);
}

}  // namespace
}  // namespace deputy::json
