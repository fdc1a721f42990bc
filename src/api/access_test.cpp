#include "support/api_fixture.hpp"

#include <latch>

// Credentials, workloads, keys and the journal over the API.
namespace deputy::api {
namespace {

using registry::KeyRole;

class AccessApi : public ApiFixture {
 protected:
  AccessApi() {
    acme = make_tenant("Acme", "a-1");
    globex = make_tenant("Globex", "g-1");
    acme_connection = make_active_connection(acme);
    globex_connection = make_active_connection(globex, "444455556666");
    make_workload("collector",
                  R"([{"integration":"log-reader","tenants":[")" + acme + R"("],"may":["session_name"]}])");
    collector = make_key(KeyRole::workload, WorkloadName::parse("collector").value());
  }
  std::string credentials_of(const std::string& connection) const {
    return "/v1/connections/" + connection + "/credentials";
  }

  std::string acme, globex, acme_connection, globex_connection, collector;
};

TEST_F(AccessApi, AWorkloadReadsWhatTheIntegrationsOfItsGrantsAskFor) {
  make_integration("other");
  EXPECT_EQ(call("GET", "/v1/integrations/log-reader", collector).status, 200);
  const auto hidden = call("GET", "/v1/integrations/other", collector);
  const auto missing = call("GET", "/v1/integrations/missing", collector);
  EXPECT_EQ(hidden.status, 404);
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(hidden.string("detail"), missing.string("detail"));
  EXPECT_EQ(call("GET", "/v1/integrations", collector).status, 403);
  make_workload("all", R"([{"integration":"*","tenants":"*"}])");
  EXPECT_EQ(
      call("GET", "/v1/integrations/other", make_key(KeyRole::workload, WorkloadName::parse("all").value()))
          .status,
      200);
  EXPECT_EQ(call("GET", "/v1/integrations/other", admin).status, 200);
}

TEST_F(AccessApi, CredentialsHaveAllThatTheContractNames) {
  const auto answer = call("POST", credentials_of(acme_connection), collector,
                           R"({"session_name":"job-1","reason":"nightly"})");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.string("access_key_id").substr(0, 4), "ASIA");
  EXPECT_EQ(answer.string("secret_access_key").substr(0, 11), "fake-secret");
  EXPECT_EQ(answer.string("session_token").substr(0, 10), "fake-token");
  EXPECT_EQ(answer.string("expires_at"), "2026-01-01T01:00:00Z");
  EXPECT_EQ(answer.body.at("expires_in_seconds"), 3600);
  EXPECT_EQ(answer.string("account_id"), customer_account);
  EXPECT_EQ(answer.string("region"), "eu-central-1");
  EXPECT_EQ(answer.string("issuance_id").substr(0, 4), "iss_");
  EXPECT_EQ(answer.headers.find("Cache-Control"), "no-store");
  EXPECT_EQ(sts.assume_role_calls.back().request.external_id->text(),
            get("/v1/connections/" + acme_connection).string("external_id"));
  const auto issuances = get("/v1/connections/" + acme_connection + "/issuances");
  const auto& one = issuances.body.at("items").at(0);
  EXPECT_EQ(one.at("id").as_string(), answer.string("issuance_id"));
  EXPECT_EQ(one.at("workload"), "collector");
  EXPECT_EQ(one.at("reason"), "nightly");
  EXPECT_EQ(one.at("source"), "sts");
  EXPECT_EQ(issuances.text.find("fake-secret"), std::string::npos);
}

TEST_F(AccessApi, ActsThatRevokeLeaveNothingInTheCache) {
  const auto asked_anew = [&] {
    const std::size_t before = sts.assume_role_calls.size();
    EXPECT_EQ(call("POST", credentials_of(acme_connection), collector).status, 200);
    return sts.assume_role_calls.size() > before;
  };
  const std::string path = "/v1/connections/" + acme_connection;
  const auto verified = [&](bool next_external_id_works) {
    clock.advance(std::chrono::minutes{1});
    call("POST", path + "/verifications", admin);
    finish_verifications(registry::VerificationOutcome::passed, next_external_id_works);
  };
  EXPECT_TRUE(asked_anew());
  EXPECT_FALSE(asked_anew());
  EXPECT_EQ(post(path + "/external-id/rotation").status, 201);
  EXPECT_EQ(call("DELETE", path + "/external-id/rotation", admin).status, 204);
  EXPECT_TRUE(asked_anew());
  EXPECT_EQ(post(path + "/external-id/rotation").status, 201);
  verified(true);
  EXPECT_EQ(post(path + "/external-id/rotation/promotion").status, 200);
  EXPECT_TRUE(asked_anew());
  make_workload("collector", R"([{"integration":"log-reader","tenants":"*","may":[]}])");
  EXPECT_TRUE(asked_anew());
  EXPECT_EQ(put(path + "/role", R"({"role_arn":")" + role_arn() + "\"}").status, 202);
  verified(false);
  EXPECT_TRUE(asked_anew());
}

TEST_F(AccessApi, CredentialsAreNeverReplayed) {
  const Headers once{{"Idempotency-Key", "k"}};
  const auto first = call("POST", credentials_of(acme_connection), collector, "", once);
  const auto again = call("POST", credentials_of(acme_connection), collector, "{}", once);
  EXPECT_EQ(again.status, 200);
  EXPECT_NE(again.string("issuance_id"), first.string("issuance_id"));
  EXPECT_EQ(again.headers.find("Idempotency-Replayed"), std::nullopt);
}

// THREATS 32.
TEST_F(AccessApi, WorkloadsGetNothingBeyondTheirGrants) {
  const auto other = call("POST", credentials_of(globex_connection), collector);
  EXPECT_EQ(other.status, 404);
  EXPECT_EQ(other.text, call("POST", credentials_of("con_aaaaaaaaaaaaaaaaaaaaaaaa"), collector).text);
  EXPECT_EQ(other.text, call("POST", credentials_of("nonsense"), collector).text);
  EXPECT_EQ(call("POST", credentials_of(acme_connection), collector, R"({"region":"us-east-1"})").code(),
            "forbidden");
  EXPECT_EQ(call("POST", credentials_of(acme_connection), collector,
                 R"({"role_arn":"arn:aws:iam::111122223333:role/x"})")
                .code(),
            "unknown_field");
  EXPECT_TRUE(sts.assume_role_calls.empty());
}

TEST_F(AccessApi, WorkloadsSeeConnectionsWithinTheirGrants) {
  const auto listed = call("GET", "/v1/connections?reference=a-1", collector);
  ASSERT_EQ(listed.body.at("items").as_array().size(), 1U) << listed.text;
  EXPECT_EQ(listed.body.at("items").at(0).at("id").as_string(), acme_connection);
  EXPECT_EQ(call("GET", "/v1/connections", collector).body, listed.body);
  EXPECT_EQ(call("GET", "/v1/connections?reference=g-1", collector).body.at("items").as_array().size(), 0U);
  const auto one = call("GET", "/v1/connections/" + acme_connection, collector);
  EXPECT_EQ(one.status, 200);
  for (const char* hidden : {"role_arn", "external_id", "rotation"}) {
    EXPECT_FALSE(one.body.as_object().contains(hidden)) << hidden;
    EXPECT_FALSE(listed.body.at("items").at(0).as_object().contains(hidden)) << hidden;
  }
  EXPECT_EQ(call("GET", "/v1/connections/" + globex_connection, collector).status, 404);
}

TEST_F(AccessApi, AWorkloadsPageIsFilledFromManyConnections) {
  for (int i = 0; i < 5; ++i) make_connection(globex);
  const auto page = call("GET", "/v1/connections?limit=1", collector);
  EXPECT_EQ(page.body.at("items").as_array().size(), 1U) << page.text;
}

TEST_F(AccessApi, TheContainerProtocolIsWhatSdksRead) {
  http::Request request;
  request.method = "GET";
  request.path = "/v1/credentials/" + acme_connection;
  request.headers.add("Authorization", collector);  // bare
  request.headers.add("Accept", "application/json");
  const auto answer = send(request);
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.body.as_object().size(), 5U);
  EXPECT_EQ(answer.string("AccessKeyId").substr(0, 4), "ASIA");
  EXPECT_EQ(answer.string("SecretAccessKey").substr(0, 11), "fake-secret");
  EXPECT_EQ(answer.string("Token").substr(0, 10), "fake-token");
  EXPECT_EQ(answer.string("Expiration"), "2026-01-01T01:00:00Z");
  EXPECT_EQ(answer.string("AccountId"), customer_account);
  const auto calls = sts.assume_role_calls.size();
  EXPECT_EQ(call("HEAD", request.path, collector).status, 405) << "nothing is issued for it";
  EXPECT_EQ(sts.assume_role_calls.size(), calls);
  EXPECT_EQ(call("HEAD", "/v1/connections/" + acme_connection, collector).status, 200);
  EXPECT_EQ(call("HEAD", "/v1/connections/" + globex_connection, collector).status, 404);
  EXPECT_EQ(call("HEAD", "/v1/connections", "").status, 401);
  EXPECT_EQ(call("HEAD", "/v1/keys", collector).status, 403);
  request.path = "/v1/credentials/" + globex_connection;
  const auto refused = send(request);
  EXPECT_EQ(refused.status, 404);
  EXPECT_EQ(refused.body.as_object().size(), 2U);
  EXPECT_EQ(refused.code(), "not_found");
  EXPECT_EQ(call("GET", request.path, "").text,
            R"({"code":"unauthorized","message":"a valid key is needed, as `Authorization: Bearer KEY`"})");
  http::Request bare;
  bare.method = "GET";
  bare.path = "/v1/connections";
  bare.headers.add("Authorization", collector);
  EXPECT_EQ(send(bare).status, 401);
}

// SDKs read no more than 10,000 bytes.
TEST_F(AccessApi, TheLongestContainerAnswerIsShortEnough) {
  sts.on_assume_role = [this](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
    auto answer = FakeSts::session(call.request, clock.now() + call.request.duration);
    answer.credentials.access_key_id = std::string(128, 'A');
    answer.credentials.secret_access_key = SecretString{std::string(256, 's')};
    answer.credentials.session_token = SecretString{std::string(8'192, 't')};
    return answer;
  };
  const auto answer = call("GET", "/v1/credentials/" + acme_connection, collector);
  EXPECT_EQ(answer.status, 200);
  EXPECT_LT(answer.text.size(), 10'000U);
}

TEST_F(AccessApi, AKeyInTheUrlIsRefusedAndNotRepeated) {
  for (const std::string& query :
       {"?token=" + collector, "?" + collector, "?Authorization=Bearer%20" + collector}) {
    const auto refused = call("GET", "/v1/credentials/" + acme_connection + query, collector);
    EXPECT_EQ(refused.status, 400) << query;
    EXPECT_EQ(refused.body.as_object().size(), 2U);
    EXPECT_EQ(refused.text.find(collector), std::string::npos);
    EXPECT_EQ(call("GET", "/v1/credentials/" + acme_connection + query, "").status, 401);
  }
  EXPECT_TRUE(sts.assume_role_calls.empty());
}

TEST_F(AccessApi, TroubleWithStsTellsSdksWhenToComeAgain) {
  sts.on_assume_role = [](const auto&) -> aws::AwsResult<aws::AssumedRole> {
    return FakeSts::error(aws::AwsErrorClass::caller_credentials, 403, "ExpiredToken");
  };
  const auto refused = call("GET", "/v1/credentials/" + acme_connection, collector);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.code(), "upstream_unavailable");
  EXPECT_EQ(refused.body.as_object().size(), 2U);
  EXPECT_TRUE(refused.headers.find("Retry-After").has_value());
}

TEST_F(AccessApi, NoWorkloadTakesTheNameOfAnAdminsSessions) {
  const auto refused = put("/v1/workloads/admin", R"({"grants":[]})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.string("field"), "name");
  EXPECT_EQ(post(credentials_of(acme_connection)).status, 200);
  const auto issuances = get("/v1/connections/" + acme_connection + "/issuances");
  EXPECT_EQ(issuances.body.at("items").at(0).at("workload"), "admin");
}

TEST_F(AccessApi, EveryOptionIsCheckedAtTheEdge) {
  make_workload("collector", R"([{"integration":"*","tenants":"*",
      "may":["session_policy","tags","source_identity","session_name","region","duration"]}])");
  const std::vector<std::pair<const char*, const char*>> wrong = {
      {R"({"duration_seconds":1799})", "duration_seconds"},
      {R"({"duration_seconds":43201})", "duration_seconds"},
      {R"({"duration_seconds":"3600"})", "duration_seconds"},
      {R"({"duration_seconds":3600.5})", "duration_seconds"},
      {R"({"session_policy":[]})", "session_policy"},
      {R"({"session_policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}})", "session_policy"},
      {R"({"session_policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}})",
       "session_policy"},
      {R"({"tags":[]})", "tags"},
      {R"({"tags":{"a":1}})", "tags"},
      {R"({"tags":{"a":"1","A":"2"}})", "tags"},
      {R"({"tags":{"aws:a":"1"}})", "tags"},
      {R"({"tags":{"a<b":"1"}})", "tags"},
      {R"({"source_identity":"x"})", "source_identity"},
      {R"({"source_identity":"a b"})", "source_identity"},
      {R"({"session_name":"x"})", "session_name"},
      {R"({"session_name":"123456789012345678901234567890123"})", "session_name"},
      {R"({"session_name":"12345678901234567890123456789012"})",
       "session_name"},  // no room beside `collector`
      {R"({"region":"nowhere"})", "region"},
      {R"({"region":"cn-north-1"})", "region"},
      {R"({"reason":""})", "reason"},
      {R"({"reason":"a\u0000b"})", "reason"},
  };
  for (const auto& [body, field] : wrong) {
    const auto refused = call("POST", credentials_of(acme_connection), collector, body);
    EXPECT_EQ(refused.status, 400) << body << refused.text;
    EXPECT_EQ(refused.string("field").substr(0, std::string_view{field}.size()), field)
        << body << refused.text;
  }
  EXPECT_TRUE(sts.assume_role_calls.empty());
}

TEST_F(AccessApi, StsTroubleHasItsOwnCodes) {
  sts.on_assume_role = [](const auto&) -> aws::AwsResult<aws::AssumedRole> { return FakeSts::denial(); };
  const auto denied = call("POST", credentials_of(acme_connection), collector);
  EXPECT_EQ(denied.status, 409);
  EXPECT_EQ(denied.code(), "role_denied");
  EXPECT_EQ(denied.text.find("arn:aws"), std::string::npos);
}

TEST_F(AccessApi, ChangedGrantsTakeEffectAtOnce) {
  EXPECT_EQ(call("POST", credentials_of(acme_connection), collector).status, 200);
  const auto replaced = put("/v1/workloads/collector", R"({"grants":[]})");
  EXPECT_EQ(replaced.status, 200);
  EXPECT_EQ(broker.counts().entries, 0U);
  EXPECT_EQ(call("POST", credentials_of(acme_connection), collector).status, 404);
}

TEST_F(AccessApi, WorkloadsAreMadeShownAndListed) {
  const auto made = put("/v1/workloads/indexer",
                        R"({"grants":[{"integration":"*","tenants":"*","may":["tags","duration"],
                            "session_policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}}]})");
  EXPECT_EQ(made.status, 201) << made.text;
  const auto& grant = made.body.at("grants").at(0);
  EXPECT_EQ(grant.at("integration"), "*");
  EXPECT_EQ(grant.at("tenants"), "*");
  EXPECT_EQ(grant.at("may"), (boost::json::array{"tags", "duration"}));
  EXPECT_EQ(grant.at("session_policy").at("Version"), "2012-10-17");
  EXPECT_EQ(get("/v1/workloads/indexer").text, made.text);
  EXPECT_EQ(get("/v1/workloads").body.at("items").as_array().size(), 2U);
  EXPECT_EQ(get("/v1/workloads/none").status, 404);
}

TEST_F(AccessApi, WhoGrantsAllTenantsByAnotherWordIsToldTheRightOne) {
  const auto refused =
      put("/v1/workloads/indexer", R"({"grants":[{"integration":"log-reader","tenants":"all"}]})");
  EXPECT_EQ(refused.code(), "invalid_request");
  EXPECT_NE(refused.string("detail").find("\"*\", which means all"), std::string::npos) << refused.text;
}

// THREATS 33: a key's secret is shown once, and is nowhere after.
TEST_F(AccessApi, AKeysSecretIsShownOnce) {
  const Headers once{{"Idempotency-Key", "k"}};
  const auto made = call("POST", "/v1/keys", admin, R"({"role":"onboarding","expires_in":"90d"})", once);
  EXPECT_EQ(made.status, 201) << made.text;
  const std::string secret = made.string("secret");
  EXPECT_EQ(secret.substr(0, 15), "dpk_onboarding_");
  EXPECT_EQ(made.string("expires_at"), "2026-04-01T00:00:00Z");
  EXPECT_EQ(call("GET", "/v1/tenants", secret).status, 200);
  const auto again = call("POST", "/v1/keys", admin, R"({"role":"onboarding","expires_in":"90d"})", once);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.string("id"), made.string("id"));
  EXPECT_FALSE(again.body.as_object().contains("secret"));
  for (const std::string& path : {std::string{"/v1/keys?limit=200"}, "/v1/keys/" + made.string("id"),
                                  std::string{"/v1/journal?limit=200"}})
    EXPECT_EQ(get(path).text.find(secret.substr(15)), std::string::npos) << path;
}

TEST_F(AccessApi, KeysAreAskedForWithARole) {
  EXPECT_EQ(post("/v1/keys", "{}").code(), "invalid_request");
  EXPECT_EQ(post("/v1/keys", R"({"role":"workload"})").code(), "invalid_request");
  EXPECT_EQ(post("/v1/keys", R"({"role":"workload","workload":"none"})").status, 404);
  EXPECT_EQ(post("/v1/keys", R"({"role":"admin","workload":"collector"})").code(), "invalid_request");
  EXPECT_EQ(post("/v1/keys", R"({"role":"workload","workload":"collector","connection_id":")" +
                                 acme_connection + R"(","expires_in":3601})")
                .code(),
            "invalid_request");
  EXPECT_EQ(post("/v1/keys", R"({"workload":"collector"})").string("role"), "workload");
  EXPECT_EQ(post("/v1/keys", R"({"workload":"collector","connection_id":")" + acme_connection + "\"}")
                .string("expires_at"),
            "2026-01-01T01:00:00Z");
}

TEST_F(AccessApi, AWorkloadsKeyMakesKeysForItsOwnConnectionsAlone) {
  const auto wish = [&](const std::string& body) { return call("POST", "/v1/keys", collector, body); };
  const auto made = wish(R"({"connection_id":")" + acme_connection + "\"}");
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.string("role"), "workload");
  EXPECT_EQ(made.string("workload"), "collector");
  EXPECT_EQ(made.string("connection_id"), acme_connection);
  EXPECT_EQ(made.string("expires_at"), "2026-01-01T01:00:00Z");
  EXPECT_EQ(wish(R"({"connection_id":")" + globex_connection + "\"}").status, 404);
  EXPECT_EQ(wish("{}").code(), "forbidden");
  EXPECT_EQ(wish(R"({"role":"admin"})").code(), "forbidden");
  EXPECT_EQ(wish(R"({"role":"admin","connection_id":")" + acme_connection + "\"}").code(), "forbidden");
  EXPECT_EQ(
      wish(R"({"role":"workload","workload":"other","connection_id":")" + acme_connection + "\"}").code(),
      "forbidden");
  EXPECT_EQ(wish(R"({"expires_in":7200,"connection_id":")" + acme_connection + "\"}").code(),
            "invalid_request");
}

TEST_F(AccessApi, AMadeKeyDoesNotOutliveItsMaker) {
  const std::string brief =
      make_key(KeyRole::workload, WorkloadName::parse("collector").value(), std::chrono::minutes{5});
  const auto made = call("POST", "/v1/keys", brief, R"({"connection_id":")" + acme_connection + "\"}");
  EXPECT_EQ(made.string("expires_at"), "2026-01-01T00:05:00Z");
}

// THREATS: class 7. The clock stands still: nothing is given back.
TEST_F(AccessApi, AWorkloadsKeyMakesKeysAtAPace) {
  const std::string maker = make_key(KeyRole::workload, WorkloadName::parse("collector").value());
  const auto wish = R"({"connection_id":")" + acme_connection + "\"}";
  int made = 0;
  auto last = call("POST", "/v1/keys", maker, wish);
  for (; last.status == 201 && made < 1'000; ++made) last = call("POST", "/v1/keys", maker, wish);
  EXPECT_EQ(made, 200);
  EXPECT_EQ(last.status, 429);
  EXPECT_EQ(last.code(), "rate_limited");
}

TEST_F(AccessApi, AnOnboardingKeyMakesTenantsAtAPace) {
  const std::string onboarding = make_key(KeyRole::onboarding);
  int made = 0;
  auto last = call("POST", "/v1/tenants", onboarding, R"({"name":"Acme"})");
  for (; last.status == 201 && made < 2'000; ++made)
    last = call("POST", "/v1/tenants", onboarding, R"({"name":"Acme"})");
  EXPECT_EQ(made, 1'000);
  EXPECT_EQ(last.code(), "rate_limited");
  EXPECT_EQ(post("/v1/tenants", R"({"name":"Acme"})").status, 201) << "an admin's";
}

TEST_F(AccessApi, AMadeKeyEndsWithItsMaker) {
  const auto wish = R"({"role":"workload","workload":"collector"})";
  const auto leaked = post("/v1/keys", wish);
  const auto made =
      call("POST", "/v1/keys", leaked.string("secret"), R"({"connection_id":")" + acme_connection + "\"}");
  EXPECT_EQ(call("POST", credentials_of(acme_connection), made.string("secret")).status, 200);
  const auto told = broker.counts().revocations;
  EXPECT_EQ(call("DELETE", "/v1/keys/" + leaked.string("id"), admin).status, 204);
  EXPECT_EQ(broker.counts().revocations, told + 1);
  EXPECT_EQ(call("POST", credentials_of(acme_connection), made.string("secret")).status, 401);
  EXPECT_EQ(call("POST", credentials_of(acme_connection), collector).status, 200);  // another key of the same
}

TEST_F(AccessApi, AKeyForOneConnectionKnowsNoOther) {
  make_workload("collector", R"([{"integration":"*","tenants":"*"}])");
  const std::string narrowed =
      post("/v1/keys", R"({"workload":"collector","connection_id":")" + acme_connection + "\"}")
          .string("secret");
  EXPECT_EQ(call("POST", credentials_of(acme_connection), narrowed).status, 200);
  EXPECT_EQ(call("GET", "/v1/credentials/" + acme_connection, narrowed).status, 200);
  EXPECT_EQ(call("GET", "/v1/connections/" + acme_connection, narrowed).status, 200);
  EXPECT_EQ(call("GET", "/v1/connections", narrowed).body.at("items").as_array().size(), 1U);
  for (const std::string& path :
       {"/v1/connections/" + globex_connection, "/v1/credentials/" + globex_connection})
    EXPECT_EQ(call("GET", path, narrowed).status, 404) << path;
  EXPECT_EQ(call("POST", credentials_of(globex_connection), narrowed).status, 404);
  EXPECT_EQ(call("POST", "/v1/keys", narrowed, R"({"connection_id":")" + acme_connection + "\"}").code(),
            "forbidden");
}

// 4242 stands for the workload `collector` (tests/support/api_fixture.hpp).
TEST_F(AccessApi, AUserOfTheMachineHasWhatItsWorkloadHas) {
  EXPECT_EQ(call_as_user(4242, "POST", credentials_of(acme_connection)).status, 200);
  EXPECT_EQ(call_as_user(4242, "GET", "/v1/credentials/" + acme_connection).status, 200);
  EXPECT_EQ(call_as_user(4242, "GET", "/v1/connections/" + acme_connection).status, 200);
  EXPECT_EQ(call_as_user(4242, "GET", "/v1/connections").status, 200);
  EXPECT_EQ(call_as_user(4242, "POST", credentials_of(globex_connection)).status, 404);
  for (const auto& [method, path] : {std::pair{"POST", "/v1/keys"},
                                     {"GET", "/v1/tenants"},
                                     {"GET", "/v1/journal"},
                                     {"DELETE", "/v1/keys/key_x"}})
    EXPECT_EQ(call_as_user(4242, method, path).code(), "forbidden") << path;
  const auto entries = get("/v1/journal?limit=200").body.at("items").as_array();
  const auto issued = std::ranges::find_if(
      entries, [](const auto& entry) { return entry.at("act") == "credentials.issued"; });
  ASSERT_NE(issued, entries.end());
  EXPECT_EQ(issued->at("actor"), (boost::json::value{{"kind", "user"}, {"id", "4242"}, {"address", "unix"}}));
}

TEST_F(AccessApi, AUserCountsOnlyOverTheSocketAndNotBesideAKey) {
  const auto path = credentials_of(acme_connection);
  EXPECT_EQ(call_as_user(4243, "POST", path).status, 401) << "stands for no workload";
  EXPECT_EQ(call("POST", path, "").status, 401) << "over TCP";
  EXPECT_EQ(call_as_user(4242, "POST", path, "Bearer dpk_workload_wrong").status, 401);
  EXPECT_EQ(call_as_user(4242, "GET", "/v1/tenants", "Bearer " + admin).status, 200) << "the key's rights";
}

TEST_F(AccessApi, TheJournalTellsWhoDidWhat) {
  call("POST", credentials_of(acme_connection), collector);
  const auto auditor = make_key(KeyRole::auditor);
  const auto entries = call("GET", "/v1/journal?limit=200", auditor).body.at("items").as_array();
  std::int64_t sequence = 0;
  bool issued = false;
  for (const auto& entry : entries) {
    EXPECT_EQ(entry.at("sequence").as_int64(), ++sequence);
    EXPECT_EQ(entry.at("hash").as_string().size(), 64U);
    issued = issued || entry.at("act") == "credentials.issued";
  }
  EXPECT_TRUE(issued);
}

// Requests with a key each, side by side, while the one thread of the database stands still.
class KeysMadeUp : public AccessApi {
 public:
  ~KeysMadeUp() override {
    go_on();
    loop.run(group.join());
  }

 protected:
  static std::string made_up(int number) {
    std::string text = "dpk_workload_" + std::string(52, 'a');
    for (std::size_t i = text.size(); number != 0; number /= 26)
      text[--i] = static_cast<char>('a' + number % 26);
    return text;
  }
  void stand_still() {
    ASSERT_TRUE(pool.try_post([this] { released.wait(); }));
  }
  void go_on() {
    if (!released.try_wait()) released.count_down();
  }
  void begin(const std::string& name, const std::string& key, const std::string& address) {
    http::Request request;
    request.method = "POST";
    request.path = request.target = credentials_of(acme_connection);
    request.remote_address = address;
    request.headers.add("Authorization", "Bearer " + key);
    group.spawn(note(name, std::move(request)));
    loop.run_ready();
  }
  std::size_t place_of(const std::string& name) const {
    return static_cast<std::size_t>(std::ranges::find(answered, name, &std::pair<std::string, int>::first) -
                                    answered.begin());
  }

  std::vector<std::pair<std::string, int>> answered;  // name and status, in the order of the answers
  TaskGroup group;

 private:
  Task<void> note(std::string name, http::Request request) {
    const auto response = co_await api.handle(std::move(request));
    answered.emplace_back(name, response.status);
  }
  std::latch released{1};
};

TEST_F(KeysMadeUp, WhatHasNotTheFormOfAKeyIsNotLookedUp) {
  stand_still();
  const std::string key = made_up(1);
  for (const std::string& wrong :
       {std::string{"secret"}, std::string{"dpk_workload_wrong"}, key + "a", key.substr(0, key.size() - 1),
        "dpk_owner_" + key.substr(13), "dpk_workload_1" + key.substr(14), "DPK" + key.substr(3)})
    begin(wrong, wrong, "192.0.2.1");
  EXPECT_EQ(answered.size(), 7U);
  for (const auto& [name, status] : answered) EXPECT_EQ(status, 401) << name;
}

// Threat: thousands of connections, each with a key that was made up, stand before those who have one.
TEST_F(KeysMadeUp, DoNotGoAheadOfIssuing) {
  EXPECT_EQ(call("POST", credentials_of(acme_connection), collector).status, 200);
  EXPECT_EQ(call("POST", credentials_of(acme_connection), collector).status, 200);  // known from now on
  stand_still();
  for (int i = 0; i < 300; ++i) begin("made up", made_up(i), "192.0.2.1");
  begin("valid", collector, "192.0.2.1");
  begin("elsewhere", made_up(1'000), "192.0.2.2");
  go_on();
  loop.run(group.join());
  ASSERT_EQ(answered.size(), 302U);
  EXPECT_EQ(answered[place_of("valid")].second, 200);
  EXPECT_LT(place_of("valid"), 10U);
  EXPECT_LT(place_of("elsewhere"), 10U) << "one address after the other";
}

TEST_F(KeysMadeUp, DoNotWaitWithoutEnd) {
  stand_still();
  for (int i = 0; i < 600; ++i) begin("made up", made_up(i), "192.0.2.1");
  EXPECT_EQ(answered.size(), 600U - 2U - 512U);
  for (const auto& [name, status] : answered) EXPECT_EQ(status, 429);
}

// A key that is minted for a job is new to the memory, and good.
TEST_F(KeysMadeUp, NewKeysAreFoundInTheirTurn) {
  const std::string fresh = make_key(KeyRole::workload, WorkloadName::parse("collector").value());
  stand_still();
  for (int i = 0; i < 50; ++i) begin("made up", made_up(i), "192.0.2.1");
  for (int i = 0; i < 50; ++i) begin("fresh", fresh, "192.0.2.2");
  go_on();
  loop.run(group.join());
  for (const auto& [name, status] : answered) EXPECT_EQ(status, name == "fresh" ? 200 : 401);
}

}  // namespace
}  // namespace deputy::api
