#include "support/api_fixture.hpp"

// Tenants, integrations, connections, verifications, rotation and templates over the API.
namespace deputy::api {
namespace {

using registry::KeyRole;
using registry::VerificationOutcome;

class OnboardingApi : public ApiFixture {};

TEST_F(OnboardingApi, TenantsAreMadeShownAndListed) {
  const auto made = post("/v1/tenants", R"({"name":"Acme \"& Söhne\"","reference":"a-1"})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.headers.find("Location"), "/v1/tenants/" + made.string("id"));
  EXPECT_EQ(made.string("name"), "Acme \"& Söhne\"");
  EXPECT_EQ(made.string("reference"), "a-1");
  EXPECT_EQ(made.string("created_at"), "2026-01-01T00:00:00Z");
  EXPECT_EQ(get("/v1/tenants/" + made.string("id")).text, made.text);
  EXPECT_EQ(post("/v1/tenants", R"({"name":"Other","reference":"a-1"})").code(), "conflict");
  make_tenant("Globex");
  make_tenant("Initech");
  std::string names;
  std::string path = "/v1/tenants?limit=2";
  for (int pages = 0; pages < 5; ++pages) {
    const auto page = get(path);
    ASSERT_EQ(page.status, 200) << page.text;
    for (const auto& item : page.body.at("items").as_array())
      names += std::string{item.at("name").as_string().c_str()} + ";";
    if (page.body.at("next_cursor").is_null()) break;
    path = "/v1/tenants?limit=2&cursor=" + page.string("next_cursor");
  }
  EXPECT_NE(names.find("Globex"), std::string::npos);
  EXPECT_NE(names.find("Initech"), std::string::npos);
  EXPECT_EQ(std::ranges::count(names, ';'), 3);
}

TEST_F(OnboardingApi, IdempotencyKeysMakeThingsOnce) {
  const Headers once{{"Idempotency-Key", "k-1"}};
  const auto first = call("POST", "/v1/tenants", admin, R"({"name":"Acme","reference":"a"})", once);
  const auto again = call("POST", "/v1/tenants", admin, R"({ "reference":"a", "name":"Acme" })", once);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(first.headers.find("Idempotency-Replayed"), std::nullopt);
  EXPECT_EQ(again.headers.find("Idempotency-Replayed"), "true");
  EXPECT_EQ(call("POST", "/v1/tenants", admin, R"({"name":"Globex"})", once).code(), "idempotency_conflict");
  const std::string other = make_key(KeyRole::admin);
  EXPECT_NE(call("POST", "/v1/tenants", other, R"({"name":"Acme"})", once).string("id"), first.string("id"));
  EXPECT_EQ(
      call("POST", "/v1/tenants", admin, R"({"name":"x"})", {{"Idempotency-Key", std::string(256, 'k')}})
          .code(),
      "invalid_request");
  EXPECT_EQ(call("POST", "/v1/tenants", admin, R"({"name":"x"})", {{"Idempotency-Key", "k\xc3\xa4"}}).code(),
            "invalid_request");
}

TEST_F(OnboardingApi, IntegrationsHaveVersions) {
  const auto first = put("/v1/integrations/log-reader", std::string{integration_body});
  EXPECT_EQ(first.status, 201) << first.text;
  EXPECT_EQ(first.body.at("version"), 1);
  EXPECT_EQ(first.body.at("policy").at("Version"), "2012-10-17");
  EXPECT_EQ(first.body.at("reasons").at("ReadLogs"), "to show your log events");
  EXPECT_EQ(put("/v1/integrations/log-reader", std::string{integration_body}).body.at("version"), 1);
  std::string changed{integration_body};
  changed.replace(changed.find("Reads log events"), 16, "Reads all events");
  const auto second = put("/v1/integrations/log-reader", changed);
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.body.at("version"), 2);
  EXPECT_EQ(get("/v1/integrations/log-reader").body.at("version"), 2);
  EXPECT_EQ(get("/v1/integrations/log-reader?version=1").string("description"), "Reads log events");
  EXPECT_EQ(get("/v1/integrations/log-reader?version=3").status, 404);
  EXPECT_EQ(get("/v1/integrations/log-reader?version=0").code(), "invalid_request");
  EXPECT_EQ(get("/v1/integrations").body.at("items").as_array().size(), 1U);
  EXPECT_EQ(get("/v1/integrations/Log%20Reader").status, 404);
  EXPECT_EQ(put("/v1/integrations/Log_Reader", std::string{integration_body}).code(), "invalid_request");
}

TEST_F(OnboardingApi, BroadIntegrationsNeedAReason) {
  const std::string broad =
      R"("policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";
  EXPECT_EQ(put("/v1/integrations/all", "{" + broad + "}").code(), "integration_too_broad");
  EXPECT_EQ(put("/v1/integrations/all", "{" + broad + R"(,"accept_risk":"agreed with the customer"})").status,
            201);
}

TEST_F(OnboardingApi, PoliciesMayNameExternalIds) {
  EXPECT_EQ(
      put("/v1/integrations/assumer",
          R"({"policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets",
                    "Resource":"*","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}]}})")
          .status,
      201);
}

TEST_F(OnboardingApi, ConnectionsGetTheirExternalIdAtOnce) {
  const std::string tenant = make_tenant("Acme");
  const auto made = make_connection(tenant);
  EXPECT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.string("state"), "awaiting_role");
  EXPECT_EQ(made.string("proof"), "none");
  EXPECT_EQ(made.string("external_id").size(), 36U);
  for (const char* member :
       {"account_id", "role_arn", "rotation", "last_verification", "next_verification_at"})
    EXPECT_TRUE(made.body.at(member).is_null()) << member;
  EXPECT_NE(make_connection(tenant).string("external_id"), made.string("external_id"));
  EXPECT_EQ(get("/v1/connections/" + made.string("id")).text, made.text);
  EXPECT_EQ(
      post("/v1/connections", R"({"tenant_id":"ten_aaaaaaaaaaaaaaaaaaaaaaaa","integration":"log-reader"})")
          .status,
      404);
  EXPECT_EQ(post("/v1/connections", R"({"tenant_id":")" + tenant + R"(","integration":"none"})").status, 404);
}

TEST_F(OnboardingApi, ConnectionsAreListedByTenantReferenceAndState) {
  const std::string acme = make_tenant("Acme", "a-1");
  const std::string globex = make_tenant("Globex", "g-1");
  make_active_connection(acme);
  make_connection(globex);
  const auto count = [this](const std::string& query) {
    const auto answer = get("/v1/connections" + query);
    EXPECT_EQ(answer.status, 200) << answer.text;
    return answer.body.at("items").as_array().size();
  };
  EXPECT_EQ(count(""), 2U);
  EXPECT_EQ(count("?tenant_id=" + acme), 1U);
  EXPECT_EQ(count("?reference=g-1"), 1U);
  EXPECT_EQ(count("?reference=none"), 0U);
  EXPECT_EQ(count("?reference=g-1&tenant_id=" + acme), 0U);
  EXPECT_EQ(count("?tenant_id=ten_x"), 0U);
  EXPECT_EQ(count("?state=active"), 1U);
  EXPECT_EQ(get("/v1/connections?state=open").code(), "invalid_request");
}

TEST_F(OnboardingApi, AGivenRoleIsVerified) {
  const auto made = make_connection(make_tenant("Acme"));
  const std::string path = "/v1/connections/" + made.string("id");
  EXPECT_EQ(post(path + "/verifications").code(), "conflict");
  const auto given = put(path + "/role", R"({"role_arn":")" + role_arn() + "\"}");
  EXPECT_EQ(given.status, 202) << given.text;
  EXPECT_EQ(given.string("state"), "verifying");
  EXPECT_EQ(wakes, 1);
  finish_verifications(VerificationOutcome::passed);
  const auto active = get(path);
  EXPECT_EQ(active.string("state"), "active");
  EXPECT_EQ(active.string("account_id"), customer_account);
  EXPECT_EQ(active.body.at("last_verification").at("outcome"), "passed");
  const auto listed = get(path + "/verifications");
  const auto& one = listed.body.at("items").at(0);
  EXPECT_EQ(one.at("status"), "done");
  EXPECT_EQ(one.at("checks").at(0).at("result"), "passed");
  EXPECT_EQ(one.at("checks").at(0).at("evidence").at("aws_request_id"), "fake-request");
  const std::string id = one.at("id").as_string().c_str();
  EXPECT_EQ(get(path + "/verifications/" + id).body, one);
  clock.advance(std::chrono::minutes{1});
  const auto again = post(path + "/verifications", "{}");
  EXPECT_EQ(again.status, 202) << again.text;
  EXPECT_EQ(again.string("status"), "running");
  EXPECT_TRUE(again.body.at("outcome").is_null());
  EXPECT_EQ(wakes, 2);
  finish_verifications(VerificationOutcome::failed);
  EXPECT_EQ(get(path).string("state"), "suspended");
}

TEST_F(OnboardingApi, ARunningVerificationShowsWhatIsSettledSoFar) {
  const std::string path = "/v1/connections/" + make_connection(make_tenant("Acme")).string("id");
  EXPECT_EQ(put(path + "/role", R"({"role_arn":")" + role_arn() + "\"}").status, 202);
  const auto tasks = registry.claim_due(10, std::chrono::minutes{10}).value();
  ASSERT_EQ(tasks.size(), 1U);
  const VerificationId id = tasks.front().verification.id;
  const std::string address = path + "/verifications/" + id.text();
  EXPECT_TRUE(get(address).body.at("checks").as_array().empty());
  progress[id] = {.settled = {{.name = "role_assumable",
                               .result = registry::CheckResult::passed,
                               .message = "scripted by the test",
                               .mend = std::nullopt,
                               .evidence = std::nullopt}},
                  .waiting_for_aws = true,
                  .waiting_until = std::nullopt};
  const auto running = get(address);
  EXPECT_EQ(running.string("status"), "running");
  EXPECT_EQ(running.body.at("checks").as_array().size(), 1U);
  EXPECT_EQ(running.body.at("checks").at(0).at("name"), "role_assumable");
  EXPECT_EQ(running.body.at("waiting_for_aws"), true);
  registry::VerificationReport report;
  report.outcome = VerificationOutcome::passed;
  report.proof = registry::Proof::probed;
  ASSERT_TRUE(registry.finish_verification(tasks.front(), report));
  const auto done = get(address);
  EXPECT_EQ(done.string("status"), "done");
  EXPECT_TRUE(done.body.at("checks").as_array().empty());
  EXPECT_FALSE(done.body.as_object().contains("waiting_for_aws"));
}

// THREATS 21.
TEST_F(OnboardingApi, InnerIdentifiersBelongToTheirConnection) {
  const std::string acme = make_active_connection(make_tenant("Acme"));
  const std::string globex = make_active_connection(make_tenant("Globex"), "444455556666");
  const auto verifications = get("/v1/connections/" + acme + "/verifications");
  const std::string id = verifications.body.at("items").at(0).at("id").as_string().c_str();
  EXPECT_EQ(get("/v1/connections/" + acme + "/verifications/" + id).status, 200);
  const auto strangers = get("/v1/connections/" + globex + "/verifications/" + id);
  EXPECT_EQ(strangers.status, 404);
  EXPECT_EQ(strangers.text,
            get("/v1/connections/" + globex + "/verifications/ver_aaaaaaaaaaaaaaaaaaaaaaaa").text);
}

TEST_F(OnboardingApi, WrongRolesAreRefused) {
  const std::string path = "/v1/connections/" + make_connection(make_tenant("Acme")).string("id");
  const auto give = [&](const std::string& arn) {
    return put(path + "/role", R"({"role_arn":")" + arn + "\"}").code();
  };
  EXPECT_EQ(give("arn:aws:iam::111122223333:user/alice"), "role_arn_invalid");
  EXPECT_EQ(give(role_arn(partner_account)), "role_arn_forbidden");
  EXPECT_EQ(get(path).string("state"), "awaiting_role");
  EXPECT_EQ(wakes, 0);
}

TEST_F(OnboardingApi, ANewRoleEmptiesTheCache) {
  const std::string id = make_active_connection(make_tenant("Acme"));
  const std::string path = "/v1/connections/" + id;
  EXPECT_EQ(post(path + "/credentials").status, 200);
  EXPECT_EQ(broker.counts().entries, 1U);
  EXPECT_EQ(put(path + "/role", R"({"role_arn":")" + role_arn(customer_account, "other") + "\"}").status,
            202);
  EXPECT_EQ(broker.counts().entries, 0U);
  EXPECT_EQ(post(path + "/credentials").code(), "connection_not_active");
}

TEST_F(OnboardingApi, DisconnectingIsFinalAndIdempotent) {
  const std::string id = make_active_connection(make_tenant("Acme"));
  const std::string path = "/v1/connections/" + id;
  EXPECT_EQ(post(path + "/credentials").status, 200);
  EXPECT_EQ(call("DELETE", path, admin).status, 204);
  EXPECT_EQ(call("DELETE", path, admin).status, 204);
  EXPECT_EQ(broker.counts().entries, 0U);
  EXPECT_EQ(get(path).string("state"), "disconnected");
  EXPECT_EQ(get(path + "/verifications").status, 200);
  EXPECT_EQ(get(path + "/issuances").status, 200);
  EXPECT_EQ(put(path + "/role", R"({"role_arn":")" + role_arn() + "\"}").code(), "connection_disconnected");
  EXPECT_EQ(put(path + "/role", R"({"role_arn":"no ARN"})").code(), "connection_disconnected");
  EXPECT_EQ(put("/v1/connections/con_aaaaaaaaaaaaaaaaaaaaaaaa/role", "{}").status, 404);
  for (const char* rest : {"/verifications", "/external-id/rotation", "/external-id/rotation/promotion",
                           "/release", "/credentials"})
    EXPECT_EQ(post(path + rest).code(), "connection_disconnected") << rest;
  EXPECT_EQ(call("DELETE", path + "/external-id/rotation", admin).code(), "connection_disconnected");
  EXPECT_EQ(get(path + "/template").code(), "connection_disconnected");
  EXPECT_EQ(get(path + "/launch-url").code(), "connection_disconnected");
}

TEST_F(OnboardingApi, RotationGoesItsWay) {
  const std::string id = make_active_connection(make_tenant("Acme"));
  const std::string path = "/v1/connections/" + id;
  const std::string old = get(path).string("external_id");
  EXPECT_EQ(call("DELETE", path + "/external-id/rotation", admin).code(), "conflict");
  EXPECT_EQ(post(path + "/external-id/rotation/promotion").code(), "conflict");
  const auto begun = post(path + "/external-id/rotation");
  EXPECT_EQ(begun.status, 201) << begun.text;
  const std::string next = begun.body.at("rotation").at("next_external_id").as_string().c_str();
  EXPECT_NE(next, old);
  EXPECT_EQ(begun.body.at("rotation").at("state"), "awaiting_customer");
  EXPECT_EQ(begun.string("external_id"), old);
  EXPECT_EQ(post(path + "/external-id/rotation").code(), "conflict");
  EXPECT_NE(get(path + "/template").text.find(next), std::string::npos);
  clock.advance(std::chrono::minutes{1});
  EXPECT_EQ(post(path + "/verifications").status, 202);
  finish_verifications(VerificationOutcome::passed, true);
  EXPECT_EQ(get(path).body.at("rotation").at("state"), "verified");
  const auto promoted = post(path + "/external-id/rotation/promotion");
  EXPECT_EQ(promoted.status, 200) << promoted.text;
  EXPECT_EQ(promoted.string("external_id"), next);
  EXPECT_EQ(promoted.string("state"), "active");
  EXPECT_EQ(promoted.body.at("rotation").at("state"), "retiring");
  EXPECT_EQ(promoted.body.at("rotation").at("retire_by"), "2026-01-08T00:01:00Z");
  EXPECT_EQ(promoted.text.find(old), std::string::npos);
}

TEST_F(OnboardingApi, RotationsAndVerificationsAreBegunOnceToo) {
  const std::string path = "/v1/connections/" + make_active_connection(make_tenant("Acme"));
  const Headers once{{"Idempotency-Key", "k"}};
  const auto begun = call("POST", path + "/external-id/rotation", admin, "", once);
  const auto again = call("POST", path + "/external-id/rotation", admin, "{}", once);
  EXPECT_EQ(again.status, 201) << again.text;
  EXPECT_EQ(again.body.at("rotation"), begun.body.at("rotation"));
  EXPECT_EQ(again.headers.find("Idempotency-Replayed"), "true");
  clock.advance(std::chrono::minutes{1});
  const auto asked = call("POST", path + "/verifications", admin, "", once);
  finish_verifications(VerificationOutcome::passed);
  const auto replayed = call("POST", path + "/verifications", admin, "", once);
  EXPECT_EQ(replayed.status, 202) << replayed.text;
  EXPECT_EQ(replayed.string("id"), asked.string("id"));
  EXPECT_EQ(replayed.string("status"), "done");
}

TEST_F(OnboardingApi, ARotationCanBeGivenUp) {
  const std::string path = "/v1/connections/" + make_active_connection(make_tenant("Acme"));
  EXPECT_EQ(post(path + "/external-id/rotation").status, 201);
  EXPECT_EQ(call("DELETE", path + "/external-id/rotation", admin).status, 204);
  EXPECT_TRUE(get(path).body.at("rotation").is_null());
}

TEST_F(OnboardingApi, AnotherTenantsAccountIsReviewedAndReleased) {
  make_active_connection(make_tenant("Acme"));
  const std::string path = "/v1/connections/" + make_active_connection(make_tenant("Mallory"));
  EXPECT_EQ(get(path).string("state"), "in_review");
  EXPECT_EQ(post(path + "/credentials").code(), "connection_not_active");
  EXPECT_EQ(call("POST", path + "/release", make_key(KeyRole::onboarding)).code(), "forbidden");
  EXPECT_EQ(post(path + "/release").string("state"), "active");
  EXPECT_EQ(post(path + "/release").code(), "conflict");
}

TEST_F(OnboardingApi, TemplatesAreWrittenForEachTool) {
  const auto made = make_connection(make_tenant("Acme"));
  const std::string path = "/v1/connections/" + made.string("id") + "/template";
  for (const char* format : {"cloudformation", "terraform", "aws-cli"}) {
    const auto answer = get(path + "?format=" + format);
    EXPECT_EQ(answer.status, 200) << answer.text;
    EXPECT_NE(answer.text.find(made.string("external_id")), std::string::npos) << format;
    EXPECT_NE(answer.text.find(partner_account), std::string::npos) << format;
    EXPECT_NE(answer.headers.find("Content-Disposition"), std::nullopt);
  }
  EXPECT_EQ(get(path).text, get(path + "?format=cloudformation").text);
  const auto wrong = get(path + "?format=pulumi");
  EXPECT_EQ(wrong.code(), "invalid_request");
  EXPECT_EQ(wrong.string("field"), "format");
}

TEST_F(OnboardingApi, LaunchLinksNeedAPlaceForTheTemplate) {
  const std::string path =
      "/v1/connections/" + make_connection(make_tenant("Acme")).string("id") + "/launch-url";
  const auto answer = get(path);
  EXPECT_EQ(answer.code(), "conflict");
  EXPECT_NE(answer.string("detail").find("connect.template_url"), std::string::npos);
  EXPECT_EQ(get(path + "?region=nowhere").code(), "invalid_request");
}

TEST_F(OnboardingApi, OnboardingKeysDoTheWholeOnboarding) {
  make_integration();
  const std::string key = make_key(KeyRole::onboarding);
  const auto tenant = call("POST", "/v1/tenants", key, R"({"name":"Acme"})");
  const auto made = call("POST", "/v1/connections", key,
                         R"({"tenant_id":")" + tenant.string("id") + R"(","integration":"log-reader"})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.string("external_id").size(), 36U);
  const std::string path = "/v1/connections/" + made.string("id");
  EXPECT_EQ(call("PUT", path + "/role", key, R"({"role_arn":")" + role_arn() + "\"}").status, 202);
  EXPECT_EQ(call("POST", path + "/credentials", key).code(), "forbidden");
}

}  // namespace
}  // namespace deputy::api
