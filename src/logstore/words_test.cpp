#include "logstore/words.hpp"

#include <gtest/gtest.h>

namespace deputy::logstore {
namespace {

std::string text_of(std::string_view message) {
  MessageWords words;
  words.read(message, MessageWords::Want::words);
  return std::string{words.text()};
}

TEST(MessageWords, AreRunsOfLettersAndDigitsInLowerCase) {
  EXPECT_EQ(text_of("GET /v1/Users?id=42&x_y=-7 [INFO]"), "get v1 users id 42 x_y 7 info ");
  EXPECT_EQ(text_of(""), "");
  EXPECT_EQ(text_of(" ..!? "), "");
  EXPECT_EQ(text_of("\xc3\x84rger \xce\xa9\xce\x9c \xd0\x96\xd0\x81 na\xc3\xafve\xe2\x80\x94yes"),
            "\xc3\xa4rger \xcf\x89\xce\xbc \xd0\xb6\xd1\x91 na\xc3\xafve yes ");
  EXPECT_EQ(text_of("\xe6\x97\xa5\xe5\xbf\x97log"), "\xe6\x97\xa5 \xe5\xbf\x97 log ");  // 日志log
}

TEST(MessageWords, TakeAnyBytes) {
  EXPECT_EQ(text_of(std::string_view{"a\0b\x1b[31mred\xff\xfe\x80z\xc3", 15}), "a b 31mred z ");
  EXPECT_EQ(text_of("\xed\xa0\x80x \xc0\xafy \xf4\x90\x80\x80z"),
            "x y z ");  // surrogate, overlong, too large
}

TEST(MessageWords, AreCutWhenTooLong) {
  const std::string text = text_of(std::string(1'000'000, 'q'));
  EXPECT_EQ(text.substr(0, 66), std::string(64, 'q') + " q");
  std::string characters;
  for (int i = 0; i < 100; ++i) characters += "\xc3\xa9";
  MessageWords words;
  words.read(characters, MessageWords::Want::words);
  for (std::size_t i = 0; i < words.size(); ++i) {
    EXPECT_LE(words[i].size(), word_bytes_max);
    EXPECT_EQ(words[i].size() % 2, 0U);  // never inside a character
  }
}

TEST(MessageWords, OfJsonAreThoseOfItsNamesAndValues) {
  MessageWords words;
  words.read(R"( {"Level":"war\u006e","a":{"b":[1,{"c":"x\ny"}],"d":-1.50e3},"e":null} )",
             MessageWords::Want::words_and_fields);
  EXPECT_EQ(words.text(), "level warn a b 1 c x y d 1 50e3 e null ");
  std::string fields;
  for (const auto& field : words.fields()) {
    fields += std::string{field.path} + "=";
    for (auto i = field.words.begin; i < field.words.end; ++i) fields += std::string{words[i]} + ",";
    fields += " ";
  }
  EXPECT_EQ(fields, "Level=warn, a.b=1, a.b.c=x,y, a.d=1,50e3, e=null, ");
}

TEST(MessageWords, OfBrokenJsonAreThoseOfPlainText) {
  MessageWords words;
  for (const char* broken : {R"({"a":"b)", R"({"a":1}})", R"({"a":1} x)", R"({"a":01})", R"({'a':1})"}) {
    words.read(broken, MessageWords::Want::words_and_fields);
    EXPECT_TRUE(words.fields().empty()) << broken;
    EXPECT_EQ(words[0], "a") << broken;
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"k":)";
  words.read(deep, MessageWords::Want::words_and_fields);
  EXPECT_TRUE(words.fields().empty());
  EXPECT_EQ(words.size(), 100'000U);
  words.read(R"({"fine":1})", MessageWords::Want::words_and_fields);  // nothing is left from before
  EXPECT_EQ(words.fields().size(), 1U);
}

TEST(MessageWords, KeepFieldsWithinBounds) {
  std::string many = "{";
  for (int i = 0; i < 20'000; ++i) many += "\"k" + std::to_string(i) + "\":1,";
  many.back() = '}';
  MessageWords words;
  words.read(many, MessageWords::Want::words_and_fields);
  EXPECT_EQ(words.fields().size(), fields_max);
  EXPECT_EQ(words.size(), 40'000U);
  words.read("{\"" + std::string(300, 'k') + "\":\"value\"}", MessageWords::Want::words_and_fields);
  EXPECT_TRUE(words.fields().empty());
  EXPECT_EQ(words[words.size() - 1], "value");
}

}  // namespace
}  // namespace deputy::logstore
