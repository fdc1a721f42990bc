#include "support/api_fixture.hpp"

#include <gtest/gtest.h>

#include "api/link_base.hpp"

namespace deputy::api {
namespace {

class ConnectSessionsApi : public ApiFixture {
 protected:
  std::string body(const std::string& tenant, std::string_view more = "") {
    make_integration();
    return R"({"tenant_id":")" + tenant + R"(","integration":"log-reader")" + std::string{more} + "}";
  }
};

TEST_F(ConnectSessionsApi, ALinkIsShownOnceAndLeadsToTheSession) {
  const auto made = post("/v1/connect-sessions", body(make_tenant("Acme")));
  ASSERT_EQ(made.status, 201) << made.text;
  const std::string id = made.string("id");
  EXPECT_EQ(made.string("url").find("https://deputy.example/connect/" + id + "/open/"), 0U);
  EXPECT_EQ(made.headers.find("Location"), "/v1/connect-sessions/" + id);
  EXPECT_FALSE(made.string("connection_id").empty());
  const auto shown = get("/v1/connect-sessions/" + id);
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.text.find("/open/"), std::string::npos);
  EXPECT_EQ(get("/v1/connect-sessions").text.find("/open/"), std::string::npos);
}

TEST_F(ConnectSessionsApi, AReplayHasNoLink) {
  const std::string wanted = body(make_tenant("Acme"));
  const Headers once{{"Idempotency-Key", "k1"}};
  const auto first = call("POST", "/v1/connect-sessions", admin, wanted, once);
  const auto again = call("POST", "/v1/connect-sessions", admin, wanted, once);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.string("id"), first.string("id"));
  EXPECT_FALSE(first.string("url").empty());
  EXPECT_TRUE(again.string("url").empty());
}

TEST_F(ConnectSessionsApi, EndingIsFinalAndIdempotent) {
  const std::string id = post("/v1/connect-sessions", body(make_tenant("Acme"))).string("id");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(call("DELETE", "/v1/connect-sessions/" + id, admin).status, 204);
  EXPECT_FALSE(get("/v1/connect-sessions/" + id).string("ended_at").empty());
  EXPECT_EQ(get("/v1/connect-sessions/cse_aaaaaaaaaaaaaaaaaaaaaaaa").code(), "not_found");
}

TEST_F(ConnectSessionsApi, ListsThoseOfOneTenant) {
  const std::string acme = make_tenant("Acme"), globex = make_tenant("Globex");
  const std::string id = post("/v1/connect-sessions", body(acme)).string("id");
  post("/v1/connect-sessions", body(globex));
  const auto list = get("/v1/connect-sessions?tenant_id=" + acme);
  ASSERT_EQ(list.body.at("items").as_array().size(), 1U);
  EXPECT_EQ(list.body.at("items").at(0).at("id").as_string(), id.c_str());
  EXPECT_TRUE(get("/v1/connect-sessions?tenant_id=nonsense").body.at("items").as_array().empty());
}

TEST_F(ConnectSessionsApi, RefusesWhatCannotBe) {
  const std::string acme = make_tenant("Acme");
  EXPECT_EQ(post("/v1/connect-sessions", body(acme, R"(,"expires_in":"8d")")).code(), "invalid_request");
  EXPECT_EQ(
      post("/v1/connect-sessions", body(acme, R"(,"return_url":"https://evil.example/")")).string("field"),
      "return_url");
  EXPECT_EQ(post("/v1/connect-sessions", body(acme, R"(,"external_id":"x")")).code(),
            "external_id_not_settable");
  EXPECT_EQ(post("/v1/connect-sessions", body("ten_aaaaaaaaaaaaaaaaaaaaaaaa")).code(), "not_found");
  EXPECT_EQ(post("/v1/connect-sessions", R"({"tenant_id":")" + acme + R"(","integration":"no-such"})").code(),
            "not_found");
  const std::string other = make_connection(make_tenant("Globex")).string("id");
  EXPECT_EQ(post("/v1/connect-sessions", body(acme, R"(,"connection_id":")" + other + "\"")).code(),
            "not_found");
}

// A link's secret must not cross a network in clear.
TEST(LinkBase, IsHttpsOrThisMachine) {
  const auto listens_at = [](std::string url) { return [url] { return url; }; };
  EXPECT_EQ(link_base("https://deputy.example", listens_at("http://0.0.0.0:1")).value(),
            "https://deputy.example");
  EXPECT_EQ(link_base("", listens_at("http://127.0.0.1:8180")).value(), "http://127.0.0.1:8180");
  EXPECT_EQ(link_base("", listens_at("http://[::1]:8180")).value(), "http://[::1]:8180");
  EXPECT_TRUE(link_base("http://localhost:8180", {}));
  for (const char* bad : {"http://deputy.example", "http://127.0.0.1.evil.example",
                          "http://localhost.evil.example", "http://0.0.0.0:8180", "http://10.0.0.1", ""}) {
    const auto refused = link_base(bad, {});
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  }
  EXPECT_FALSE(link_base("", listens_at("http://0.0.0.0:8180")));
}

TEST_F(ConnectSessionsApi, TheReportKeyIsForEverybody) {
  EXPECT_EQ(call("GET", "/v1/report-key", "").string("algorithm"), "Ed25519");
}

}  // namespace
}  // namespace deputy::api
