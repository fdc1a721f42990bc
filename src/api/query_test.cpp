#include "api/query.hpp"

#include <gtest/gtest.h>

namespace deputy::api {
namespace {

constexpr std::string_view known[] = {"cursor", "limit", "state"};

ErrorKind refusal(std::string_view text) {
  const auto query = Query::parse(text, known);
  if (query.has_error()) return query.error().kind;
  const auto page = query.value().page();
  EXPECT_TRUE(page.has_error()) << text;
  return page.has_error() ? page.error().kind : ErrorKind::internal;
}

TEST(Query, HasDefaults) {
  const auto page = Query::parse("", known).value().page();
  EXPECT_EQ(page.value().limit, 50U);
  EXPECT_EQ(page.value().after, "");
}

TEST(Query, ReadsPages) {
  const auto query = Query::parse("limit=200&cursor=abc%2D1&state=active", known);
  EXPECT_EQ(query.value().page().value().limit, 200U);
  EXPECT_EQ(query.value().page().value().after, "abc-1");
  EXPECT_EQ(query.value().find("state"), "active");
  EXPECT_EQ(query.value().find("cursor2"), std::nullopt);
}

TEST(Query, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(refusal("offset=1"), ErrorKind::unknown_field);
  EXPECT_EQ(refusal("Limit=1"), ErrorKind::unknown_field);
  EXPECT_EQ(refusal("limit=1&limit=1"), ErrorKind::invalid_request);
  EXPECT_EQ(refusal("limit=%"), ErrorKind::invalid_request);
}

TEST(Query, RefusesLimitsOutOfBounds) {
  for (const char* text : {"limit=0", "limit=201", "limit=", "limit=-1", "limit=+1", "limit=1.0",
                           "limit=1%20", "limit=99999999999999999999", "cursor=a%20b", "cursor=%0a"})
    EXPECT_EQ(refusal(text), ErrorKind::invalid_request) << text;
  EXPECT_EQ(refusal("cursor=" + std::string(513, 'a')), ErrorKind::invalid_request);
}

// A key in a URL is in the logs of every proxy on the way.
TEST(Query, RefusesKeys) {
  EXPECT_EQ(refusal("cursor=dpk_admin_abc"), ErrorKind::invalid_request);
  EXPECT_EQ(refusal("access_token=dpk_admin_abc"), ErrorKind::invalid_request);
  EXPECT_EQ(refusal("key=x"), ErrorKind::unknown_field);
}

}  // namespace
}  // namespace deputy::api
