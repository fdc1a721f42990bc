#include "logstore/query.hpp"

#include <gtest/gtest.h>

namespace deputy::logstore {
namespace {

bool finds(std::string_view query, std::string_view message) {
  const auto parsed = parse_query(query);
  EXPECT_TRUE(parsed.has_value()) << query << ": " << (parsed ? "" : parsed.error().message);
  if (!parsed) return false;
  MessageWords words;
  words.read(message, MessageWords::Want::words_and_fields);
  return matches(parsed.value(), {"/aws/lambda/Pay", "2026/11/28/[$LATEST]ab", "111122223333", "eu-central-1",
                                  "con_aaaaaaaaaaaaaaaaaaaaaaaa", words});
}

std::string error_of(std::string_view query) {
  const auto parsed = parse_query(query);
  if (parsed) return "none";
  EXPECT_EQ(parsed.error().kind, ErrorKind::invalid_request);
  EXPECT_EQ(parsed.error().field, "q");
  return parsed.error().message;
}

TEST(LogQuery, FindsWordsPhrasesAndBeginnings) {
  constexpr std::string_view message = "ERROR: Connection to 10.0.0.1 refused (attempt 3) caf\xc3\x89";
  for (const char* query : {"",
                            "  ",
                            "error",
                            "Error connection",
                            "connection AND refused",
                            "\"connection to\"",
                            "10.0.0.1",
                            "refu*",
                            "\"connection to 10\"",
                            "nothing OR refused",
                            "NOT nothing",
                            "-nothing refused",
                            "NOT -refused",
                            "(nothing OR error) (refused OR nothing)",
                            "caf\xc3\xa9",
                            "to-10",
                            "or OR error",
                            "\"to 10.0.0.1 ref\"*",
                            "error OR nothing nothing",
                            "nothing nothing OR error",
                            "refused -(nothing OR none)"})
    EXPECT_TRUE(finds(query, message)) << query;
  for (const char* query : {"nothing", "error nothing", "\"to connection\"", "10.0.1", "refus", "NOT error",
                            "-refused error", "(error OR nothing) nothing", "\"connection refused\"",
                            "error (nothing OR none)", "-(error OR nothing)"})
    EXPECT_FALSE(finds(query, message)) << query;
}

TEST(LogQuery, FindsFieldsOfJsonMessages) {
  constexpr std::string_view message =
      R"({"level":"ERROR","status":500,"ok":false,"user":{"id":42,"name":"Ann Lee"},"tags":["a1","b2"],)"
      R"("log.level":"warn","group":"inner","items":[{"sku":"x9"},{"sku":"y8","n":1.5}],"text":"line one\nline two","none":null})";
  for (const char* query : {"level:error", "status:500", "ok:false", "user.id:42", "user.name:lee",
                            "user.name:\"ann lee\"", "tags:b2", "log.level:warn", "json.group:inner",
                            "items.sku:y8", "items.n:1.5", "text:\"one line\"", "none:null", "status:*",
                            "user.name:ann*", "error", "\"line two\"", "level", "status:5*  OR level:err*"})
    EXPECT_TRUE(finds(query, message)) << query;
  for (const char* query : {"level:warn", "status:50", "user:42", "id:42", "group:inner", "tags:c3", "sku:*",
                            "user.name:\"lee ann\"", "Level:error", "missing:*"})
    EXPECT_FALSE(finds(query, message)) << query;
  EXPECT_FALSE(finds("level:error", "level:error"));  // a field is a field of JSON
  EXPECT_TRUE(finds("\"level:error\"", "level:error"));
}

TEST(LogQuery, FindsWhatTheRecordIs) {
  for (const char* query :
       {"group:/aws/lambda/Pay", "group:/aws/*", "stream:\"2026/11/28/[$LATEST]ab\"", "account:111122223333",
        "region:eu-*", "connection:con_aaaaaaaaaaaaaaaaaaaaaaaa", "-group:/other", "group:*"})
    EXPECT_TRUE(finds(query, "m")) << query;
  for (const char* query : {"group:/aws/lambda/pay", "group:/aws", "account:1111", "region:us-*"})
    EXPECT_FALSE(finds(query, "m")) << query;
}

TEST(LogQuery, SaysWhereItCannotBeRead) {
  const auto at = [](int character, std::string_view rest) {
    return "the query cannot be read at character " + std::to_string(character) + ": " + std::string{rest};
  };
  EXPECT_EQ(error_of("error AND (a OR b"), at(11, "this `(` is never closed"));
  EXPECT_EQ(error_of("a) b"), at(2, "there is no `(` that this `)` closes"));
  EXPECT_EQ(error_of("a \"b"), at(3, "this `\"` is never closed"));
  EXPECT_EQ(error_of("a OR"), at(5, "a word, a phrase or a parenthesis is missing here"));
  EXPECT_EQ(error_of("()"), at(2, "a word or a phrase is missing before this `)`"));
  EXPECT_EQ(error_of("OR a"),
            at(1, "an operator needs something on both sides; quote it to look for the word"));
  EXPECT_EQ(error_of("a AND OR b"),
            at(7, "an operator needs something on both sides; quote it to look for the word"));
  EXPECT_EQ(error_of("level: error"), at(7, "a value is missing after `level:`"));
  EXPECT_EQ(error_of("see http://x.example/a"), at(5, "quote what has a `:` and is no field"));
  EXPECT_EQ(error_of("a ..."), at(3, "there is no letter or digit in this to look for"));
  EXPECT_EQ(error_of("ab*"), at(1, "`*` needs 3 letters or digits before it"));
  EXPECT_EQ(error_of("fo*bar"), at(3, "`*` stands only at the end of a word"));
  EXPECT_EQ(error_of("*"), at(1, "there is no letter or digit in this to look for"));
  EXPECT_EQ(error_of("foo.*"), at(1, "`*` goes on with a word: put a letter or digit before it"));
  EXPECT_EQ(error_of("- a"), at(1, "there is no letter or digit in this to look for"));
}

TEST(LogQuery, HasBounds) {
  std::string many;
  for (std::size_t i = 0; i < query_terms_max; ++i) many += "a ";
  EXPECT_EQ(error_of(many), "none");
  EXPECT_NE(error_of(many + "a").find("32 words"), std::string::npos);
  EXPECT_NE(error_of("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.1.2.3.4.5.6.7.8").find("32 words"),
            std::string::npos);
  EXPECT_EQ(error_of(std::string(query_depth_max, '(') + "a" + std::string(query_depth_max, ')')), "none");
  EXPECT_NE(error_of(std::string(500, '(')).find("nested 16 deep"), std::string::npos);
  EXPECT_NE(error_of(std::string(query_bytes_max + 1, 'a')).find("1000 bytes"), std::string::npos);
  EXPECT_EQ(error_of(std::string(990, '-') + "a"), "none");
}

}  // namespace
}  // namespace deputy::logstore
