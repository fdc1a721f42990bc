#include "support/api_fixture.hpp"

#include <regex>
#include <set>

// THREATS A: the external ID. Nobody can set, influence, guess or reuse it, on any route, in any place, in
// any spelling.
namespace deputy {
namespace {

constexpr std::string_view wanted = "11111111-2222-4333-8444-555555555555";

class ExternalIdThreat : public ApiFixture {
 protected:
  ExternalIdThreat() {
    tenant = make_tenant("Acme");
    connection = make_active_connection(tenant);
    make_workload("collector", R"([{"integration":"*","tenants":"*"}])");
  }

  // Everything that a request could have changed.
  std::string state() {
    std::string all;
    for (const char* path :
         {"/v1/tenants", "/v1/integrations", "/v1/connections", "/v1/workloads", "/v1/keys"})
      all += get(path).text + "\n";
    return all;
  }
  // A path of the route that exists.
  std::string path_of(const api::Route& route) const {
    std::string path{route.pattern};
    const std::string name = path.find("/workloads/") == std::string::npos ? "log-reader" : "collector";
    const std::pair<std::string_view, std::string> values[] = {
        {"{tenant}", tenant},
        {"{connection}", connection},
        {"{name}", name},
        {"{key}", "key_aaaaaaaaaaaaaaaaaaaaaaaa"},
        {"{verification}", "ver_aaaaaaaaaaaaaaaaaaaaaaaa"}};
    for (const auto& [mark, value] : values)
      if (const auto at = path.find(mark); at != std::string::npos) path.replace(at, mark.size(), value);
    return path;
  }
  void expect_refused(const api::Route& route, const std::string& query, const std::string& body,
                      const Headers& headers = {}) {
    const std::string path = path_of(route) + query;
    const auto answer = call(std::string{route.method}, path, admin, body, headers);
    EXPECT_EQ(answer.status, 400) << route.method << " " << path << " " << body;
    EXPECT_EQ(answer.code(), "external_id_not_settable") << route.method << " " << path << " " << body;
    EXPECT_EQ(answer.text.find(wanted), std::string::npos);
  }

  std::string tenant, connection;
};

std::string member(std::string_view name) {
  return "\"" + std::string{name} + "\":\"" + std::string{wanted} + "\"";
}

// Classes 1, 2 and 8: no route of any method takes one, from an admin's key neither.
TEST_F(ExternalIdThreat, NoRouteTakesOneInItsBody) {
  const std::string before = state();
  for (const api::Route& route : api::routes())
    for (const char* name : {"external_id", "ExternalId"})
      expect_refused(route, "", "{" + member(name) + "}");
  EXPECT_EQ(state(), before);
}

TEST_F(ExternalIdThreat, NoRouteTakesOneInItsQueryOrHeader) {
  const std::string before = state();
  for (const api::Route& route : api::routes()) {
    expect_refused(route, "?external_id=" + std::string{wanted}, "");
    expect_refused(route, "?External%2Did=" + std::string{wanted}, "");
    expect_refused(route, "", "", {{"X-External-Id", std::string{wanted}}});
  }
  EXPECT_EQ(state(), before);
}

TEST_F(ExternalIdThreat, NoRouteTakesAForm) {
  const std::string before = state();
  const std::string form =
      "tenant_id=" + tenant + "&integration=log-reader&external_id=" + std::string{wanted};
  const std::string part = "--b\r\nContent-Disposition: form-data; name=\"external_id\"\r\n\r\n" +
                           std::string{wanted} + "\r\n--b--\r\n";
  for (const api::Route& route : api::routes()) {
    expect_refused(route, "", form, {{"Content-Type", "application/x-www-form-urlencoded"}});
    expect_refused(route, "", part, {{"Content-Type", "multipart/form-data; boundary=b"}});
    expect_refused(route, "", form);  // called JSON
  }
  EXPECT_EQ(state(), before);
}

// Class 2: methods and paths that one might guess.
TEST_F(ExternalIdThreat, NoOtherMethodOrPathTakesOne) {
  const std::string before = state();
  const std::string body = "{" + member("external_id") + "}";
  for (const char* method : {"PATCH", "PUT", "POST", "MERGE"})
    for (const std::string& path : {"/v1/connections/" + connection, std::string{"/v1/connections"},
                                    std::string{"/v1/connections:bulk"}, std::string{"/v1/import"},
                                    "/v1/connections/" + connection + "/external-id"}) {
      const auto answer = call(method, path, admin, body);
      EXPECT_EQ(answer.code(), "external_id_not_settable") << method << " " << path;
    }
  for (const std::string& bulk : {"[" + body + "]", R"({"connections":[)" + body + "]}"})
    EXPECT_EQ(post("/v1/connections", bulk).code(), "external_id_not_settable");
  EXPECT_EQ(state(), before);
}

// Class 3: whatever the parser makes of it.
TEST_F(ExternalIdThreat, NoSpellingPasses) {
  const std::string before = state();
  const std::string rest = R"("tenant_id":")" + tenant + R"(","integration":"log-reader")";
  for (const char* name : {"external_id",
                           "externalId",
                           "ExternalId",
                           "EXTERNAL_ID",
                           "external-id",
                           "External Id",
                           "external.id",
                           "sts:ExternalId",
                           "connection_external_id",
                           "externalIds",
                           "next_external_id",
                           "_e_x_ternal__id",
                           R"(\u0065xternal_id)",
                           R"(externa\u006C_\u0069d)",
                           R"(external\u00AD_id)",
                           R"(external_\u0130d)",
                           R"(\uff45xternal_id)",
                           R"(external\u200bid)",
                           R"(external\u0000id)",
                           "external_id\xcc\x81"}) {
    EXPECT_EQ(post("/v1/connections", "{" + rest + "," + member(name) + "}").code(),
              "external_id_not_settable")
        << name;
    EXPECT_EQ(post("/v1/connections", "{" + member(name) + "," + rest + "}").code(),
              "external_id_not_settable")
        << name;
  }
  for (const std::string& body :
       {"{" + rest + "," + member("external_id") + "," + member("external_id") + "}",  // duplicates
        "{" + rest + R"(,"options":{"a":[{)" + member("external_id") + "}]}}",         // nested
        "{" + rest + R"(,"tags":{)" + member("external_id") + "}}",    // a tag map where there is none
        "{" + rest + R"(,"policy":{)" + member("external_id") + "}}",  // a policy where there is none
        "{" + rest + R"(,"external_id":null})", "{" + rest + R"(,"external_id":{"a":1}})",
        "{" + rest + "," + member("external_id") + "} trailing",
        "\xef\xbb\xbf{" + rest + "," + member("external_id") + "}"})
    EXPECT_EQ(post("/v1/connections", body).code(), "external_id_not_settable") << body;
  for (const char* type :
       {"text/plain", "application/json; charset=utf-7", "application/xml", "application/merge-patch+json"})
    EXPECT_EQ(call("POST", "/v1/connections", admin, "{" + rest + "," + member("external_id") + "}",
                   {{"Content-Type", type}})
                  .code(),
              "external_id_not_settable")
        << type;
  EXPECT_EQ(state(), before);
}

TEST_F(ExternalIdThreat, ItWinsOverUnknownMembersAndTheAttemptIsOnRecord) {
  EXPECT_EQ(post("/v1/connections", R"({"colour":"red","nested":{"external_id":1},"tenant_id":5})").code(),
            "external_id_not_settable");
  const auto journal = get("/v1/journal?limit=200");
  EXPECT_NE(journal.text.find(R"("code":"external_id_not_settable")"), std::string::npos);
}

// Class 4: version 4, in lower case, and nothing of the tenant's, the account's or an earlier one's in it.
TEST_F(ExternalIdThreat, ItIsRandom) {
  const std::regex uuid{"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"};
  std::set<std::string> seen;
  std::set<std::string> prefixes;
  for (int i = 0; i < 20; ++i) {
    const std::string id = make_connection(tenant).string("external_id");
    EXPECT_TRUE(std::regex_match(id, uuid)) << id;
    seen.insert(id);
    prefixes.insert(id.substr(0, 8));
  }
  EXPECT_EQ(seen.size(), 20U);
  EXPECT_GE(prefixes.size(), 19U);
}

// Classes 5 and 6: an ID that was issued is never issued again, not after the connection's end either.
TEST_F(ExternalIdThreat, ItIsNeverIssuedAgain) {
  const auto owner = registry::Actor::command("test");
  const std::string old = get("/v1/connections/" + connection).string("external_id");
  EXPECT_EQ(call("DELETE", "/v1/connections/" + connection, admin).status, 204);
  const auto again = ConnectionId::parse(make_connection(tenant).string("id")).value();
  for (std::string spelling : {old, [&] {
                                 std::string upper = old;
                                 for (char& c : upper)
                                   c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
                                 return upper;
                               }()}) {
    const auto claimed = store->write([&](registry::Transaction& tx) -> Result<void> {
      return tx.claim_external_id(ExternalId::parse(spelling).value(), again);
    });
    ASSERT_TRUE(claimed.has_error()) << spelling;
    EXPECT_EQ(claimed.error().kind, ErrorKind::conflict);
  }
}

// Class 7: drawing again and again until a wanted value comes.
TEST_F(ExternalIdThreat, RotationTakesNoSeedAndIsRateLimited) {
  const std::string path = "/v1/connections/" + connection + "/external-id/rotation";
  for (const char* seed : {R"({"seed":"x"})", R"({"value":"x"})", R"({"next":"x"})"})
    EXPECT_EQ(post(path, seed).code(), "unknown_field") << seed;
  int begun = 0;
  std::string last;
  for (int i = 0; i < 100 && last != "rate_limited"; ++i) {
    const auto answer = post(path);
    last = answer.code();
    if (answer.status == 201) ++begun;
    call("DELETE", path, admin);
  }
  EXPECT_EQ(last, "rate_limited");
  EXPECT_LE(begun, 20);
}

// Class 9: every AssumeRole for credentials carries the connection's own.
TEST_F(ExternalIdThreat, ItIsOnEveryHop) {
  const std::string issued = get("/v1/connections/" + connection).string("external_id");
  const std::string path = "/v1/connections/" + connection;
  for (const char* options :
       {"", R"({"reason":"x"})", R"({"region":"us-east-1"})", R"({"session_name":"job"})",
        R"({"tags":{"ExternalId":"mine","sts:ExternalId":"mine"}})",
        R"({"duration_seconds":1800,"source_identity":"alice"})"})
    EXPECT_EQ(post(path + "/credentials", options).status, 200) << options;
  EXPECT_EQ(get("/v1/credentials/" + connection).status, 200);
  ASSERT_GE(sts.assume_role_calls.size(), 5U);
  for (const auto& asked : sts.assume_role_calls) {
    ASSERT_TRUE(asked.request.external_id.has_value());
    EXPECT_EQ(asked.request.external_id->text(), issued);
  }
}

}  // namespace
}  // namespace deputy
