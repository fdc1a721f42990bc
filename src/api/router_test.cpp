#include "api/router.hpp"

#include <gtest/gtest.h>

namespace deputy::api {
namespace {

constexpr Access everyone{.everyone = true};
constexpr Access admins{.admin = true};
constexpr Route table[] = {
    {"GET", "/v1/things", admins, nullptr},
    {"POST", "/v1/things", admins, nullptr},
    {"GET", "/v1/things/{thing}", admins, nullptr},
    {"GET", "/v1/things/{thing}/parts/{part}", admins, nullptr},
    {"GET", "/healthz", everyone, nullptr},
    {.method = "GET", .pattern = "/v1/issued/{thing}", .access = admins, .container_protocol = true},
};

TEST(Router, FindsTheRouteAndItsParameters) {
  const auto match = find_route(table, "GET", "/v1/things/a/parts/b c");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->pattern, "/v1/things/{thing}/parts/{part}");
  EXPECT_EQ(match.parameters, (std::vector<std::string>{"a", "b c"}));
}

TEST(Router, KnowsNoOtherPath) {
  for (const char* path :
       {"", "/", "/v1", "/v1/things/", "//v1/things", "/v1//things", "/v1/things/a/", "/V1/things",
        "/v1/things/a/parts", "/v1/things//parts/b", "/v1/thingsx", "v1/things", "/v1/things/a/parts/b/c"}) {
    const auto match = find_route(table, "GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_EQ(match.allow, "") << path;
  }
}

TEST(Router, NamesTheMethodsOfAPath) {
  const auto match = find_route(table, "DELETE", "/v1/things");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allow, "GET, HEAD, POST");
  EXPECT_EQ(find_route(table, "get", "/v1/things").route, nullptr);
}

// RFC 9110 section 9.1. A GET that issues credentials has no head: asking for it would issue some.
TEST(Router, AnswersHeadWhereverGetIssuesNothing) {
  EXPECT_NE(find_route(table, "HEAD", "/healthz").route, nullptr);
  EXPECT_EQ(find_route(table, "HEAD", "/v1/things/a").route, &table[2]);
  const auto issuing = find_route(table, "HEAD", "/v1/issued/a");
  EXPECT_EQ(issuing.route, nullptr);
  EXPECT_EQ(issuing.allow, "GET");
}

TEST(Access, AdmitsNobodyByDefault) {
  using registry::KeyRole;
  for (const KeyRole role : {KeyRole::admin, KeyRole::onboarding, KeyRole::workload, KeyRole::auditor})
    EXPECT_FALSE(Access{}.admits(role));
}

}  // namespace
}  // namespace deputy::api
