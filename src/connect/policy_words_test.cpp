#include "connect/difference.hpp"
#include "connect/permissions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deputy::connect {
namespace {

using testing::ElementsAre;

TEST(Permissions, AreTheStatementsWithTheirReasons) {
  const auto permissions = permissions_of(
      R"({"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":"s3:GetObject","Resource":["a","b"]},)"
      R"({"Effect":"Deny","NotAction":["s3:*"],"NotResource":"c","Condition":{"Bool":{"x":"true"}}}]})",
      {{"Read", "To read."}, {"Other", "Not here."}});
  ASSERT_EQ(permissions.size(), 2U);
  EXPECT_EQ(permissions[0].reason, "To read.");
  EXPECT_THAT(permissions[0].actions, ElementsAre("s3:GetObject"));
  EXPECT_THAT(permissions[0].resources, ElementsAre("a", "b"));
  EXPECT_FALSE(permissions[0].denies || permissions[0].all_actions_but || permissions[0].conditional);
  EXPECT_FALSE(permissions[1].reason.has_value());
  EXPECT_TRUE(permissions[1].denies && permissions[1].all_actions_but && permissions[1].all_resources_but &&
              permissions[1].conditional);
  EXPECT_THAT(permissions[1].actions, ElementsAre("s3:*"));
  EXPECT_THAT(permissions[1].resources, ElementsAre("c"));
}

TEST(Permissions, OneStatementNeedsNoList) {
  EXPECT_EQ(permissions_of(R"({"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}})", {}).size(),
            1U);
}

TEST(Permissions, WhatIsNoPolicyHasNone) {
  for (const char* text : {"", "[]", "{", "{\"Statement\":3}", "{\"Statement\":[1,\"x\"]}"})
    EXPECT_TRUE(permissions_of(text, {}).empty()) << text;
}

TEST(IndentedJson, KeepsTheOrderAndEveryValue) {
  EXPECT_EQ(indented_json(R"({"b":[1,true,null],"a":{},"c":"x\"\u0001"})"),
            "{\n  \"b\": [\n    1,\n    true,\n    null\n  ],\n  \"a\": {},\n  \"c\": \"x\\\"\\u0001\"\n}");
  EXPECT_EQ(indented_json("no json"), "no json");
}

std::string drawn(const std::vector<DiffLine>& lines) {
  std::string out;
  for (const auto& line : lines)
    out += (line.change == LineChange::added     ? "+"
            : line.change == LineChange::removed ? "-"
                                                 : " ") +
           line.text + "\n";
  return out;
}

TEST(Difference, IsTheFewestLines) {
  EXPECT_EQ(drawn(difference_of("a\nb\nc\n", "a\nx\nc\nd\n")), " a\n-b\n+x\n c\n+d\n");
  EXPECT_EQ(drawn(difference_of("", "a")), "+a\n");
  EXPECT_EQ(drawn(difference_of("a", "")), "-a\n");
  EXPECT_EQ(drawn(difference_of("a\n\nb", "a\n\nb")), " a\n \n b\n");
}

TEST(Difference, LeadsFromTheOneToTheOther) {
  const std::string before = "a\nb\na\nc\nb\nb\na", after = "b\nc\na\na\nc\nd\nb";
  std::string left, right;
  for (const auto& line : difference_of(before, after)) {
    if (line.change != LineChange::added) left += line.text + "\n";
    if (line.change != LineChange::removed) right += line.text + "\n";
  }
  EXPECT_EQ(left, before + "\n");
  EXPECT_EQ(right, after + "\n");
}

TEST(Difference, OfHugeTextsIsBounded) {
  std::string before, after;
  for (int i = 0; i < 2001; ++i) before += "a" + std::to_string(i) + "\n";
  after = before + "b";
  EXPECT_EQ(difference_of(before, after).size(), 2001U + 2002U);
}

}  // namespace
}  // namespace deputy::connect
