#include "api/json_fields.hpp"

#include <gtest/gtest.h>

#include "core/identifiers.hpp"

namespace deputy::api {
namespace {

constexpr std::string_view known[] = {"text", "flag", "number", "map", "list", "document", "account"};

class FieldsTest : public testing::Test {
 protected:
  Fields open(std::string_view text) {
    value_ = json::read(text).value();
    return Fields::open(value_, known).value();
  }
  json::Value value_;
};

template <class T>
std::string field_of(const Result<T>& result) {
  return result.has_error() ? result.error().field : "no error";
}

TEST_F(FieldsTest, RefuseWhatTheyDoNotKnow) {
  value_ = json::read(R"({"text":"a","texts":1})").value();
  const auto result = Fields::open(value_, known, "outer");
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().kind, ErrorKind::unknown_field);
  EXPECT_EQ(result.error().field, "outer.texts");
}

TEST_F(FieldsTest, RefuseWhatIsNoObject) {
  for (const char* text : {"[]", "null", "1", "\"{}\"", "true"}) {
    value_ = json::read(text).value();
    EXPECT_EQ(Fields::open(value_, known).error().kind, ErrorKind::invalid_request) << text;
  }
}

TEST_F(FieldsTest, TellMissingFromNullFromWrong) {
  EXPECT_EQ(field_of(open("{}").text("text")), "text");
  EXPECT_EQ(field_of(open(R"({"text":null})").text("text")), "text");
  EXPECT_EQ(open(R"({"text":null})").optional_text("text").value(), std::nullopt);
  EXPECT_EQ(open(R"({"text":"a"})").optional_text("text").value(), "a");
  for (const char* text : {R"({"text":1})", R"({"text":["a"]})", R"({"text":true})", R"({"text":""})",
                           R"({"text":"a\u0000b"})", R"({"text":"a\nb"})", R"({"text":"\u007f"})"})
    EXPECT_EQ(field_of(open(text).optional_text("text")), "text") << text;
  EXPECT_EQ(field_of(open(R"({"text":")" + std::string(201, 'a') + "\"}").text("text")), "text");
}

TEST_F(FieldsTest, ReadWholeNumbersInBounds) {
  EXPECT_EQ(open(R"({"number":5})").optional_integer("number", 1, 5).value(), 5);
  for (const char* text : {R"({"number":6})", R"({"number":0})", R"({"number":-1})", R"({"number":1.0})",
                           R"({"number":1e0})", R"({"number":"1"})", R"({"number":99999999999999999999})"})
    EXPECT_EQ(field_of(open(text).optional_integer("number", 1, 5)), "number") << text;
}

TEST_F(FieldsTest, ReadTypesByTheirParsers) {
  EXPECT_EQ(open(R"({"account":"123456789012"})").parsed<AccountId>("account").value().text(),
            "123456789012");
  EXPECT_EQ(field_of(open(R"({"account":"12345678901"})").parsed<AccountId>("account")), "account");
  EXPECT_EQ(open("{}").optional_parsed<AccountId>("account").value(), std::nullopt);
}

TEST_F(FieldsTest, ReadMapsAndDocuments) {
  const auto map = open(R"({"map":{"b":"1","a":"2"}})").text_map("map", {}, {});
  EXPECT_EQ(map.value(), (std::vector<std::pair<std::string, std::string>>{{"b", "1"}, {"a", "2"}}));
  EXPECT_EQ(field_of(open(R"({"map":{"a":1}})").text_map("map", {}, {})), "map.a");
  EXPECT_EQ(open(R"({"map":{"b":"1","a`\u00e9":1}})").text_map("map", {}, {}).error().message,
            "`map.a\\x60\\xc3\\xa9` must be a string, not a number");
  EXPECT_EQ(field_of(open(R"({"map":{"":"1"}})").text_map("map", {}, {})), "map");
  EXPECT_EQ(open(R"({"document":{"b": [1, 2.50, "\u0041\n\"", null, true], "a": {}}})")
                .optional_document("document")
                .value(),
            R"({"b":[1,2.50,"A\u000a\"",null,true],"a":{}})");
  EXPECT_EQ(open(R"({"document":"{}"})").optional_document("document").value(), "{}");
  EXPECT_EQ(field_of(open(R"({"document":[]})").optional_document("document")), "document");
}

TEST_F(FieldsTest, BoundArrays) {
  EXPECT_EQ(open(R"({"list":[1,2]})").array("list", 2).value().size(), 2U);
  EXPECT_EQ(field_of(open(R"({"list":[1,2,3]})").array("list", 2)), "list");
  EXPECT_EQ(field_of(open(R"({"list":{}})").array("list", 2)), "list");
  EXPECT_TRUE(open("{}").array("list", 2).value().empty());
}

TEST(ToJson, SortsMembersAtEveryDepth) {
  const auto value = json::read(R"({"b":{"d":1,"c":2},"a":[{"f":1,"e":2}]})").value();
  EXPECT_EQ(to_json(value, MemberOrder::sorted), R"({"a":[{"e":2,"f":1}],"b":{"c":2,"d":1}})");
}

}  // namespace
}  // namespace deputy::api
