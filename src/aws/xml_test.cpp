#include "aws/xml.hpp"

#include <gtest/gtest.h>

namespace deputy::aws {
namespace {

std::optional<XmlAnswer> read(std::string text) {
  return XmlAnswer::read(text);
}

TEST(XmlAnswer, FindsTheOneElement) {
  const auto answer = read(
      "<?xml version=\"1.0\"?><a xmlns=\"urn:x\"><b>1 "
      "&lt;&#65;</b><c/><d><b>2</b></d><e>x<f/></e><g><![CDATA[<h>]]></g></a>\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->text({"a", "b"}), "1 <A");
  EXPECT_EQ(answer->text({"a", "c"}), "");
  EXPECT_EQ(answer->text({"a", "d", "b"}), "2");
  EXPECT_EQ(answer->text({"a", "g"}), "<h>");
  EXPECT_EQ(answer->text({"a", "e"}), std::nullopt);
  EXPECT_EQ(answer->text({"a", "absent"}), std::nullopt);
  EXPECT_EQ(answer->text({"b"}), std::nullopt);
}

TEST(XmlAnswer, ListsEveryElement) {
  const auto answer = read("<r><s><n>1</n><n>2</n></s><s><n>3</n></s></r>");
  EXPECT_EQ(answer->texts({"r", "s", "n"}), (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_EQ(answer->text({"r", "s", "n"}), std::nullopt);
}

TEST(XmlAnswer, WipesWhatItRead) {
  std::string text = "<a>secret that is longer than a short string</a>";
  const char* bytes = text.data();
  const auto answer = XmlAnswer::read(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(std::string_view(bytes, 5), std::string_view("\0\0\0\0\0", 5));
  EXPECT_EQ(answer->secret_text({"a"}), "secret that is longer than a short string");
}

TEST(XmlAnswer, RefusesWhatIsNotOneWellFormedElement) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  const std::string doctype = "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>";
  for (const std::string& text :
       {std::string{}, std::string{" "}, std::string{"text"}, std::string{"<a>"}, std::string{"<a></b>"},
        std::string{"<a/><b/>"}, std::string{"{}"}, std::string{"<a>\0</a>", 8}, doctype, deep,
        "<a>" + std::string(XmlAnswer::bytes_max, 'x') + "</a>"}) {
    EXPECT_FALSE(read(text)) << text.substr(0, 40);
  }
}

TEST(XmlAnswer, KeepsUnknownEntitiesAsTheyAre) {
  EXPECT_EQ(read("<a>&file;</a>")->text({"a"}), "&file;");
}

}  // namespace
}  // namespace deputy::aws
