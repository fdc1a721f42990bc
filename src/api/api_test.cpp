#include "api/api.hpp"

#include "support/api_fixture.hpp"

#include <fmt/format.h>
#include <map>
#include <set>
#include <signal.h>
#include <sys/resource.h>

#include "api/router.hpp"

// The gates that every request passes, whatever its route.
namespace deputy::api {
namespace {

using registry::KeyRole;

// A path of the route, with identifiers that do not exist.
std::string path_of(const Route& route) {
  std::string path{route.pattern};
  const std::pair<std::string_view, std::string_view> values[] = {
      {"{tenant}", "ten_aaaaaaaaaaaaaaaaaaaaaaaa"},       {"{name}", "none"},
      {"{connection}", "con_aaaaaaaaaaaaaaaaaaaaaaaa"},   {"{key}", "key_aaaaaaaaaaaaaaaaaaaaaaaa"},
      {"{verification}", "ver_aaaaaaaaaaaaaaaaaaaaaaaa"}, {"{asset}", "style.css"},
  };
  for (const auto& [mark, value] : values)
    if (const auto at = path.find(mark); at != std::string::npos) path.replace(at, mark.size(), value);
  return path;
}

std::string name_of(const Route& route) {
  return std::string{route.method} + " " + std::string{route.pattern};
}

class ApiGates : public ApiFixture {};

TEST_F(ApiGates, EveryRouteButTheServicesOwnNeedsAKey) {
  for (const Route& route : routes()) {
    const auto answer = call(std::string{route.method}, path_of(route), "");
    if (route.access.everyone) {
      EXPECT_EQ(answer.status, 200) << name_of(route);
    } else {
      EXPECT_EQ(answer.status, 401) << name_of(route);
      EXPECT_EQ(answer.code(), "unauthorized") << name_of(route);
      EXPECT_EQ(answer.headers.find("WWW-Authenticate"), "Bearer realm=\"deputy\"");
    }
  }
}

// THREATS 33: what is wrong with a key is not told.
TEST_F(ApiGates, MissingUnknownExpiredAndRevokedKeysAreAlike) {
  const std::string expired = make_key(KeyRole::admin, std::nullopt, std::chrono::seconds{60});
  const auto revoked = post("/v1/keys", R"({"role":"admin"})");
  EXPECT_EQ(call("GET", "/v1/tenants", revoked.string("secret")).status, 200);
  EXPECT_EQ(call("DELETE", "/v1/keys/" + revoked.string("id"), admin).status, 204);
  clock.advance(std::chrono::minutes{2});
  std::set<std::string> bodies;
  for (const std::string& key :
       {std::string{}, std::string{"dpk_admin_unknown"}, expired, revoked.string("secret")}) {
    const auto answer = call("GET", "/v1/tenants", key);
    EXPECT_EQ(answer.status, 401);
    bodies.insert(answer.text);
  }
  EXPECT_EQ(bodies.size(), 1U);
}

TEST_F(ApiGates, SeveralAuthorizationFieldsAreRefused) {
  EXPECT_EQ(call("GET", "/v1/tenants", admin, "", {{"authorization", "Bearer " + admin}}).status, 401);
}

TEST_F(ApiGates, AKeyInTheUrlIsRefused) {
  EXPECT_EQ(call("GET", "/v1/tenants?access_token=" + admin, "").status, 401);
  EXPECT_EQ(call("GET", "/v1/tenants?access_token=" + admin, admin).code(), "invalid_request");
}

// What each role may do, as in the contract, apart from the table of routes.
TEST_F(ApiGates, RolesMayDoWhatTheContractSays) {
  const std::map<std::string, std::string> may{
      // a: admin, o: onboarding, w: workload, u: auditor
      {"POST /v1/tenants", "ao"},
      {"GET /v1/tenants", "aou"},
      {"GET /v1/tenants/{tenant}", "aou"},
      {"PUT /v1/integrations/{name}", "a"},
      {"GET /v1/integrations", "aou"},
      {"GET /v1/integrations/{name}", "aowu"},
      {"POST /v1/connections", "ao"},
      {"GET /v1/connections", "aowu"},
      {"GET /v1/connections/{connection}", "aowu"},
      {"DELETE /v1/connections/{connection}", "ao"},
      {"PUT /v1/connections/{connection}/role", "ao"},
      {"POST /v1/connections/{connection}/release", "a"},
      {"POST /v1/connections/{connection}/verifications", "ao"},
      {"GET /v1/connections/{connection}/verifications", "aou"},
      {"GET /v1/connections/{connection}/verifications/{verification}", "aou"},
      {"POST /v1/connections/{connection}/external-id/rotation", "ao"},
      {"DELETE /v1/connections/{connection}/external-id/rotation", "ao"},
      {"POST /v1/connections/{connection}/external-id/rotation/promotion", "ao"},
      {"GET /v1/connections/{connection}/template", "aou"},
      {"GET /v1/connections/{connection}/launch-url", "aou"},
      {"POST /v1/connections/{connection}/credentials", "aw"},
      {"GET /v1/connections/{connection}/issuances", "au"},
      {"GET /v1/credentials/{connection}", "aw"},
      {"PUT /v1/workloads/{name}", "a"},
      {"GET /v1/workloads", "au"},
      {"GET /v1/workloads/{name}", "au"},
      {"POST /v1/keys", "aw"},
      {"GET /v1/keys", "au"},
      {"GET /v1/keys/{key}", "au"},
      {"DELETE /v1/keys/{key}", "a"},
      {"POST /v1/connect-sessions", "ao"},
      {"GET /v1/connect-sessions", "aou"},
      {"GET /v1/connect-sessions/{session}", "aou"},
      {"DELETE /v1/connect-sessions/{session}", "ao"},
      {"GET /v1/journal", "au"},
      {"GET /v1/logs/search", "awu"},
      {"GET /v1/logs/sources", "au"},
      {"GET /v1/logs/status", "au"},
      {"GET /v1/logs/audit", "au"},
      {"GET /v1/logs/tail", "awu"},
      {"GET /v1/report-key", "aowu"},
      {"GET /healthz", "aowu"},
      {"GET /readyz", "aowu"},
      {"GET /metrics", "aowu"},
      {"GET /openapi.json", "aowu"},
      {"GET /docs", "aowu"},
      {"GET /docs/{asset}", "aowu"},
      {"GET /", "aowu"},
  };
  make_workload("collector", "[]");
  const std::pair<char, std::string> keys[] = {
      {'a', admin},
      {'o', make_key(KeyRole::onboarding)},
      {'w', make_key(KeyRole::workload, WorkloadName::parse("collector").value())},
      {'u', make_key(KeyRole::auditor)},
  };
  for (const Route& route : routes()) {
    const auto allowed = may.find(name_of(route));
    ASSERT_NE(allowed, may.end()) << name_of(route);
    for (const auto& [letter, key] : keys) {
      const std::string body = route.body == BodyRule::required ? "{}" : "";
      const auto answer = call(std::string{route.method}, path_of(route), key, body);
      // `{}` as a workload's wish for a key is refused by the handler.
      const bool by_role = answer.status == 403 && answer.text.find("of the role `") != std::string::npos &&
                           answer.text.find("may not do this") != std::string::npos;
      EXPECT_EQ(by_role, allowed->second.find(letter) == std::string::npos)
          << name_of(route) << " " << letter << answer.text;
    }
  }
  EXPECT_EQ(may.size(), routes().size());
}

TEST_F(ApiGates, UnknownPathsAndMethodsAreToldApart) {
  EXPECT_EQ(get("/v1/sessions").status, 404);
  EXPECT_EQ(get("/v1/tenants/").status, 404);
  const auto answer = call("PATCH", "/v1/tenants", admin, "{}");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.headers.find("Allow"), "POST, GET, HEAD");
  EXPECT_EQ(answer.code(), "method_not_allowed");
}

TEST_F(ApiGates, BodiesAreJsonObjects) {
  EXPECT_EQ(call("POST", "/v1/tenants", admin, R"({"name":"Acme"})", {{"Content-Type", "text/plain"}}).status,
            415);
  EXPECT_EQ(
      call("POST", "/v1/tenants", admin, "name=Acme", {{"Content-Type", "application/x-www-form-urlencoded"}})
          .status,
      415);
  for (const char* body :
       {"", "[]", "null", "\"a\"", "1", "{", R"({"name":"a"} x)", R"({"name":"a","name":"b"})",
        "{\"name\":\"\xff\"}", R"({"name":"\ud800"})", "{'name':'a'}", R"({"name":NaN})"})
    EXPECT_EQ(post("/v1/tenants", body).code(), "invalid_request") << body;
  std::string deep = R"({"name":)";
  for (int i = 0; i < 100; ++i) deep += '[';
  for (int i = 0; i < 100; ++i) deep += ']';
  EXPECT_EQ(post("/v1/tenants", deep + "}").code(), "invalid_request");
  EXPECT_EQ(post("/v1/tenants", R"({"name":")" + std::string(70'000, 'a') + "\"}").status, 413);
  EXPECT_EQ(get("/v1/tenants").body.at("items").as_array().size(), 0U);
}

TEST_F(ApiGates, RequestsThatTakeNoBodyGetNone) {
  EXPECT_EQ(call("GET", "/v1/tenants", admin, "{}").code(), "invalid_request");
}

TEST_F(ApiGates, UnknownMembersAndQueryKeysAreRefused) {
  const auto body = post("/v1/tenants", R"({"name":"Acme","colour":"red"})");
  EXPECT_EQ(body.code(), "unknown_field");
  EXPECT_EQ(body.string("field"), "colour");
  EXPECT_EQ(get("/v1/tenants?page=2").code(), "unknown_field");
  EXPECT_EQ(get("/v1/tenants/ten_aaaaaaaaaaaaaaaaaaaaaaaa?x=1").code(), "unknown_field");
  EXPECT_EQ(get("/v1/tenants?limit=1&limit=2").code(), "invalid_request");
  EXPECT_EQ(get("/v1/tenants?limit=201").code(), "invalid_request");
  EXPECT_EQ(get("/v1/tenants?cursor=nonsense").code(), "invalid_request");
}

TEST_F(ApiGates, AcceptIsHonoured) {
  EXPECT_EQ(call("GET", "/v1/tenants", admin, "", {{"Accept", "text/html"}}).status, 406);
  EXPECT_EQ(call("GET", "/v1/tenants", admin, "", {{"Accept", "text/html, */*;q=0.1"}}).status, 200);
  EXPECT_EQ(call("GET", "/metrics", "", "", {{"Accept", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"}}).status,
            200);
}

TEST_F(ApiGates, EveryAnswerIsKeptOutOfCaches) {
  for (const char* path : {"/v1/tenants", "/v1/nothing", "/healthz"}) {
    const auto answer = get(path);
    EXPECT_EQ(answer.headers.find("Cache-Control"), "no-store") << path;
    EXPECT_EQ(answer.headers.find("X-Content-Type-Options"), "nosniff") << path;
    EXPECT_EQ(answer.headers.find("X-Request-Id"), "req_test") << path;
  }
}

// THREATS 21: someone else's, nobody's and impossible identifiers are one thing.
TEST_F(ApiGates, MalformedIdentifiersAreLikeUnknownOnes) {
  for (const Route& route : routes()) {
    std::string path = path_of(route);
    const std::size_t at = path.find("_aaaaaaaaaaaaaaaaaaaaaaaa");
    if (at == std::string::npos) continue;
    std::string malformed = path;
    malformed.replace(at, 25, "_A");
    const std::string body =
        route.pattern.ends_with("/role") ? R"({"role_arn":"arn:aws:iam::111122223333:role/r"})" : "";
    const auto unknown = call(std::string{route.method}, path, admin, body);
    EXPECT_EQ(unknown.status, 404) << name_of(route) << unknown.text;
    EXPECT_EQ(call(std::string{route.method}, malformed, admin, body).text, unknown.text) << name_of(route);
  }
}

TEST_F(ApiGates, RefusalsAreOnRecord) {
  post("/v1/tenants", R"({"name":"Acme","external_id":"mine"})");
  const auto auditor = make_key(KeyRole::auditor);
  call("POST", "/v1/tenants", auditor, R"({"name":"Acme"})");
  const auto entries = get("/v1/journal?limit=200").body.at("items").as_array();
  int refused = 0;
  for (const auto& entry : entries)
    if (entry.at("act") == "request.refused") {
      ++refused;
      EXPECT_EQ(entry.at("outcome"), "refused");
      EXPECT_EQ(entry.at("detail").at("route"), "POST /v1/tenants");
      EXPECT_EQ(entry.at("actor").at("address"), "192.0.2.7");
    }
  EXPECT_EQ(refused, 2);
  for (int i = 0; i < 10; ++i) post("/v1/tenants", R"({"name":"Acme","external_id":"mine"})");
  EXPECT_EQ(get("/v1/journal?limit=200").body.at("items").as_array().size(), entries.size());
}

TEST_F(ApiGates, HealthReadinessMetricsAndDocsAnswer) {
  EXPECT_EQ(call("GET", "/healthz", "").text, R"({"status":"ok"})");
  EXPECT_EQ(call("GET", "/readyz", "").text, R"({"status":"ready"})");
  EXPECT_EQ(call("HEAD", "/healthz", "").status, 200);  // the listener leaves the body out
  make_tenant("Acme Corporation");
  const auto metrics = call("GET", "/metrics", "");
  EXPECT_NE(
      metrics.text.find(R"(deputy_http_requests_total{method="POST",route="/v1/tenants",status="201"} 1)"),
      std::string::npos)
      << metrics.text;
  EXPECT_EQ(metrics.text.find("Acme"), std::string::npos);
  EXPECT_EQ(metrics.text.find("ten_"), std::string::npos);
  const auto front = call("GET", "/", "");
  EXPECT_EQ(front.headers.find("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(front.text.find("<strong>Ready</strong>"), std::string::npos);
  EXPECT_EQ(front.text.find("Acme Corporation"), std::string::npos);
  EXPECT_EQ(call("GET", "/docs/style.css", "").headers.find("Content-Type"), "text/css; charset=utf-8");
  EXPECT_EQ(call("GET", "/docs/nothing.css", "").status, 404);
  const auto docs = call("GET", "/docs", "");
  EXPECT_EQ(docs.headers.find("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(std::string{docs.headers.find("Content-Security-Policy").value()}.find("default-src 'none'"),
            std::string::npos);
  EXPECT_EQ(docs.text.find("<script"), std::string::npos);
  for (const Route& route : routes())
    EXPECT_NE(docs.text.find(fmt::format("<code>{}</code>", route.pattern)), std::string::npos)
        << route.pattern;
  EXPECT_NE(docs.text.find("id=\"object-Verification\""), std::string::npos);
  EXPECT_NE(docs.text.find("id=\"external_id_not_settable\""), std::string::npos);
}

// No file may grow past a few bytes, as on a full disk.
class NoSpace {
 public:
  NoSpace() {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    struct rlimit none = before_;
    none.rlim_cur = 1024;
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  NoSpace(const NoSpace&) = delete;
  NoSpace& operator=(const NoSpace&) = delete;
  ~NoSpace() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, signal_before_);
  }

 private:
  void (*signal_before_)(int) = ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before_{};
};

TEST_F(ApiGates, IsNotReadyWhileTheDatabaseCannotBeWritten) {
  {
    const NoSpace full;
    EXPECT_EQ(call("GET", "/readyz", "").status, 200) << "nothing was to be written yet";
    EXPECT_GE(post("/v1/tenants", R"({"name":"Acme"})").status, 500);
    const auto probe = call("GET", "/readyz", "");
    EXPECT_EQ(probe.status, 503);
    EXPECT_NE(probe.text.find("disk"), std::string::npos) << probe.text;
    EXPECT_NE(call("GET", "/", "").text.find("Not ready"), std::string::npos);
    EXPECT_NE(call("GET", "/metrics", "").text.find("deputy_ready 0"), std::string::npos);
  }
  // There is room again, and nobody writes: a probe finds out, not each of them.
  EXPECT_EQ(call("GET", "/readyz", "").status, 503);
  clock.advance(std::chrono::seconds{5});
  EXPECT_EQ(call("GET", "/readyz", "").status, 200);
}

TEST_F(ApiGates, IsReadyAgainOnceSomethingWasWritten) {
  {
    const NoSpace full;
    EXPECT_GE(post("/v1/tenants", R"({"name":"Acme"})").status, 500);
    EXPECT_EQ(call("GET", "/readyz", "").status, 503);
  }
  EXPECT_EQ(post("/v1/tenants", R"({"name":"Acme"})").status, 201);
  EXPECT_EQ(call("GET", "/readyz", "").status, 200);
}

TEST_F(ApiGates, AnUnreadyServiceSaysSoAndLives) {
  EXPECT_EQ(call("GET", "/readyz", "").status, 200);
  api.be_unready("the service is stopping");
  EXPECT_EQ(call("GET", "/readyz", "").status, 503);
  EXPECT_NE(call("GET", "/", "").text.find("Not ready</strong>: the service is stopping"), std::string::npos);
  EXPECT_EQ(call("GET", "/healthz", "").status, 200);
}

}  // namespace
}  // namespace deputy::api
