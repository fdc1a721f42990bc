#include "http/message.hpp"

#include <gtest/gtest.h>

namespace deputy::http {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Headers, NamesCompareWithoutCaseAndKeepTheirOrder) {
  Headers headers;
  headers.add("Set-Cookie", "a");
  headers.add("Host", "h");
  headers.add("set-cookie", "b");
  EXPECT_EQ(headers.find("SET-COOKIE"), "a");
  EXPECT_EQ(headers.count("set-Cookie"), 2U);
  EXPECT_EQ(headers.find("cookie"), std::nullopt);
  EXPECT_EQ(headers.count("cookie"), 0U);
  headers.set("SET-cookie", "c");
  EXPECT_EQ(headers.count("Set-Cookie"), 1U);
  EXPECT_EQ(headers.find("Set-Cookie"), "c");
  EXPECT_EQ(headers.begin()->first, "Host");
}

TEST(Form, IsDecoded) {
  EXPECT_EQ(parse_form(""), Pairs{});
  EXPECT_EQ(parse_form("a=1&b=2"), (Pairs{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(parse_form("a+b=c%20d%2B&a+b="), (Pairs{{"a b", "c d+"}, {"a b", ""}}));
  EXPECT_EQ(parse_form("&flag&&x=y=z&"), (Pairs{{"flag", ""}, {"x", "y=z"}}));
  EXPECT_EQ(parse_form("%c3%A4=%26%3d"), (Pairs{{"\xc3\xa4", "&="}}));
}

TEST(Form, RefusesBrokenEscapes) {
  for (const char* text : {"a=%", "a=%1", "a=%g0", "a=%0g", "%=1", "a=%00", "a=1&b=%zz"})
    EXPECT_FALSE(parse_form(text)) << text;
}

TEST(Path, IsDecodedOnce) {
  EXPECT_EQ(decode_path("/"), "/");
  EXPECT_EQ(decode_path("/v1/connections/con_a"), "/v1/connections/con_a");
  EXPECT_EQ(decode_path("/a%20b/%C3%A4+c"), "/a b/\xc3\xa4+c");
  EXPECT_EQ(decode_path("/%252e%252e/x"), "/%2e%2e/x");
  EXPECT_EQ(decode_path("//a//"), "//a//");
  EXPECT_EQ(decode_path("/.../.a/a./..a"), "/.../.a/a./..a");
}

TEST(Path, RefusesWhatTwoProgramsCouldReadDifferently) {
  for (const char* path :
       {"",          "a",       "*",      "http://host/", "/%",      "/%1",    "/%zz",  "/%00",
        "/a%2fb",    "/a%2Fb",  "/.",     "/..",          "/a/../b", "/a/./b", "/a/..", "/%2e",
        "/%2e%2E/x", "/.%2e/x", "/a%5cb", "/a\\b",        "/%0a",    "/%0d",   "/%7f",  "/a\x01"}) {
    EXPECT_FALSE(decode_path(path)) << path;
  }
}

}  // namespace
}  // namespace deputy::http
