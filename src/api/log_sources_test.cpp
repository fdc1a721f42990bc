#include "support/api_fixture.hpp"
#include "support/log_records.hpp"
#include "support/scripted_logs.hpp"

// How collecting stands, over the API: a real collector in front of a scripted CloudWatch Logs.
namespace deputy::api {
namespace {

using registry::KeyRole;

class LogSourcesApi : public ApiFixture {
 public:
  ~LogSourcesApi() override {
    if (!collector) return;
    loop.run_through_time([](logs::Collector& stopped) -> Task<bool> {
      co_await stopped.stop();
      co_return true;
    }(*collector));
  }

 protected:
  // Two tenants' connections, each with so many log groups of an event each.
  void collect(int groups) {
    for (const char letter : {'a', 'b'}) {
      const logs::Origin origin = logs::an_origin(letter);
      access.subscriptions.push_back(
          {origin.tenant,
           origin.connection,
           AccountId::parse(std::string(12, static_cast<char>('1' + letter - 'a'))).value(),
           regions,
           {"/app/*"},
           clock.now()});
    }
    for (int i = 0; i < groups; ++i) {
      const auto arn = cloud.add_group("111111111111", "eu-central-1", "/app/" + std::to_string(i));
      cloud.events[arn].push_back({cloud.now_ms() - 30'000, "e" + std::to_string(i), "message"});
    }
    spool = logs::Spool::open({.directory = folder.path() / "collected"}).value();
    collector = std::make_unique<logs::Collector>(
        logs::Collector::Surroundings{loop, clock, random, cloud, access, access, *spool, disk, disk},
        logs::CollectorSettings{.plan = {}, .holder = "test"});
    collector->start();
    log_collector = collector.get();
    log_spool = spool.get();
    loop.advance(std::chrono::minutes{2});
  }
  // An answer that takes time: it waits for its turn to call.
  ApiAnswer loop_answer(const std::string& path) {
    http::Request request;
    request.method = "GET";
    request.path = path.substr(0, path.find('?'));
    request.query = path.substr(path.find('?') + 1);
    request.target = path;
    request.headers.add("Authorization", "Bearer " + admin);
    request.request_id = "req_test";
    request.remote_address = "192.0.2.7";
    const http::Response response = loop.run_through_time(api.handle(std::move(request)));
    return {response.status, {}, response.body, boost::json::parse(response.body)};
  }
  std::string audit_of(const std::string& more) {
    return "/v1/logs/audit?connection_id=" + logs::an_origin().connection.text() +
           "&region=eu-central-1&log_group=/app/0" + more;
  }

  std::vector<Region> regions{logs::an_origin().region};
  ScriptedLogs cloud{clock};
  ScriptedAccess access;
  RunAtOnce disk;
  std::unique_ptr<logs::Spool> spool;
  std::unique_ptr<logs::Collector> collector;
};

TEST_F(LogSourcesApi, SayWhenNothingIsCollectedHere) {
  for (const char* path : {"/v1/logs/sources", "/v1/logs/status", "/v1/logs/audit?connection_id=x"}) {
    const auto answer = get(path);
    EXPECT_EQ(answer.status, 409) << path;
    EXPECT_EQ(answer.code(), "conflict") << path;
    EXPECT_NE(answer.text.find("`logs.collect`"), std::string::npos) << path;
  }
}

TEST_F(LogSourcesApi, AreForAdminsAndAuditorsAlone) {
  collect(1);
  make_workload("indexer", R"([{"integration":"*","tenants":"*"}])");
  const auto workload = make_key(KeyRole::workload, WorkloadName::parse("indexer").value());
  for (const std::string& path :
       {std::string{"/v1/logs/sources"}, std::string{"/v1/logs/status"}, audit_of("")}) {
    EXPECT_EQ(call("GET", path, "").status, 401) << path;
    EXPECT_EQ(call("GET", path, "dpk_admin_made-up").status, 401) << path;
    EXPECT_EQ(call("GET", path, workload).status, 403) << path;
    EXPECT_EQ(call("GET", path, make_key(KeyRole::onboarding)).status, 403) << path;
    EXPECT_EQ(call("POST", path, admin).status, 405) << path;
  }
  EXPECT_EQ(call("GET", "/v1/logs/sources", make_key(KeyRole::auditor)).status, 200);
  EXPECT_EQ(call("GET", "/v1/logs/status", make_key(KeyRole::auditor)).status, 200);
}

TEST_F(LogSourcesApi, ListEachSourceOnceOverPages) {
  collect(5);
  std::set<std::string> met;
  std::string cursor;
  do {
    const auto page = get("/v1/logs/sources?limit=3" + (cursor.empty() ? "" : "&cursor=" + cursor));
    ASSERT_EQ(page.status, 200) << page.text;
    for (const auto& item : page.body.at("items").as_array())
      EXPECT_TRUE(met.insert(boost::json::serialize(item.at("connection_id")) +
                             boost::json::serialize(item.at("log_group")))
                      .second);
    cursor = page.string("next_cursor");
  } while (!cursor.empty());
  EXPECT_EQ(met.size(), 10U);
  const auto of_one = get("/v1/logs/sources?tenant_id=" + logs::an_origin('b').tenant.text());
  EXPECT_EQ(of_one.body.at("items").as_array().size(), 5U);
  const auto& first = of_one.body.at("items").at(0);
  EXPECT_EQ(first.at("status"), "active");
  EXPECT_EQ(first.at("events"), 1);
  const auto nobody = get("/v1/logs/sources?connection_id=con_zzzzzzzzzzzzzzzzzzzzzzzz");
  EXPECT_TRUE(nobody.body.at("items").as_array().empty());
}

// Thousands of accounts are thousands of lines: no answer has them all.
TEST_F(LogSourcesApi, TheStatusGivesEachTenantAndConnectionOnceOverPages) {
  regions = {Region::parse("eu-central-1").value(), Region::parse("eu-west-1").value(),
             Region::parse("us-east-1").value()};
  collect(2);
  std::vector<std::string> tenants, connections;
  std::string cursor;
  int pages = 0;
  do {
    const auto page = get("/v1/logs/status?limit=1" + (cursor.empty() ? "" : "&cursor=" + cursor));
    ASSERT_EQ(page.status, 200) << page.text;
    EXPECT_EQ(page.body.at("sources").at("active"), 4) << "totals are of all, on each page";
    EXPECT_LE(page.body.at("tenants").as_array().size(), 1U);
    EXPECT_LE(page.body.at("connections").as_array().size(), 1U);
    for (const auto& item : page.body.at("tenants").as_array())
      tenants.emplace_back(item.at("tenant_id").as_string());
    for (const auto& item : page.body.at("connections").as_array())
      connections.push_back(boost::json::serialize(item.at("connection_id")) +
                            boost::json::serialize(item.at("region")));
    cursor = page.string("next_cursor");
    ASSERT_LT(++pages, 10);
  } while (!cursor.empty());
  EXPECT_EQ(pages, 6);  // two connections in three Regions; the two tenants end before
  EXPECT_EQ(tenants, (std::vector{logs::an_origin('a').tenant.text(), logs::an_origin('b').tenant.text()}));
  EXPECT_EQ(std::set<std::string>(connections.begin(), connections.end()).size(), 6U);
  EXPECT_EQ(connections.size(), 6U);
  const auto whole = get("/v1/logs/status");
  EXPECT_EQ(whole.body.at("connections").as_array().size(), 6U);
  EXPECT_TRUE(whole.body.at("next_cursor").is_null());
}

TEST_F(LogSourcesApi, AnIntegrationThatChangesIsKnownToTheCollectorAtOnce) {
  collect(3);
  ASSERT_EQ(get("/v1/logs/sources").body.at("items").as_array().size(), 6U);
  for (logs::Subscription& each : access.subscriptions) each.groups = {"/app/0"};
  const auto put =
      call("PUT", "/v1/integrations/reader-of-logs", admin,
           R"({"policy":{"Version":"2012-10-17","Statement":{"Effect":"Allow",)"
           R"("Action":"logs:FilterLogEvents","Resource":"arn:aws:logs:*:*:log-group:/app/0:*"}},)"
           R"("logs":{"regions":["eu-central-1"],"groups":["/app/0"]}})");
  ASSERT_EQ(put.status, 201) << put.text;
  loop.advance(std::chrono::seconds{1});
  EXPECT_EQ(get("/v1/logs/sources").body.at("items").as_array().size(), 2U);
}

TEST_F(LogSourcesApi, SayWhatIsWrongWithAQuestion) {
  collect(1);
  const std::pair<std::string, std::string> wrong[] = {
      {"/v1/logs/sources?tenant_id=x", "tenant_id"},
      {"/v1/logs/sources?connection_id=x", "connection_id"},
      {"/v1/logs/sources?limit=0", "limit"},
      {"/v1/logs/sources?limit=100000", "limit"},
      {"/v1/logs/sources?cursor=3", "cursor"},
      {"/v1/logs/sources?cursor=" + std::string(5'000, 'c'), "cursor"},
      {"/v1/logs/sources?colour=red", "colour"},
      {"/v1/logs/status?limit=0", "limit"},
      {"/v1/logs/status?limit=201", "limit"},
      {"/v1/logs/status?cursor=3", "cursor"},
      {"/v1/logs/status?cursor=-/x/eu-central-1", "cursor"},
      {"/v1/logs/status?cursor=-/" + logs::an_origin().connection.text() + "/nowhere", "cursor"},
      {"/v1/logs/status?cursor=" + logs::an_origin().tenant.text(), "cursor"},
      {"/v1/logs/status?tenant_id=x", "tenant_id"},
      {"/v1/logs/audit?region=eu-central-1", "connection_id"},
      {"/v1/logs/audit?connection_id=x&region=r", "connection_id"},
      {"/v1/logs/audit?connection_id=" + logs::an_origin().connection.text() + "&region=nowhere", "region"},
      {audit_of(""), "from"},
      {audit_of("&from=yesterday&to=2026-01-01T00:00:00Z"), "from"},
      {audit_of("&from=2026-01-01T00:00:00Z"), "to"},
      {audit_of("&from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"), "to"},
      {audit_of("&from=2025-12-31T23:59:00Z&to=2026-01-01T23:00:00Z"), "to"},
      {audit_of("&from=2020-01-01T00:00:00Z&to=2020-01-01T00:30:00Z"), "from"}};
  for (const auto& [path, field] : wrong) {
    const auto answer = get(path);
    EXPECT_EQ(answer.status, 400) << path << answer.text;
    EXPECT_EQ(answer.string("field"), field) << path << answer.text;
  }
  const auto unknown =
      get("/v1/logs/audit?connection_id=" + logs::an_origin().connection.text() +
          "&region=eu-central-1&log_group=/app/none&from=2026-01-01T00:00:00Z&to=2026-01-01T00:01:00Z");
  EXPECT_EQ(unknown.status, 404) << unknown.text;
}

TEST_F(LogSourcesApi, AuditAStretch) {
  collect(1);
  const auto answer = loop_answer(audit_of("&from=2025-12-31T23:59:00Z&to=2026-01-01T00:00:30Z"));
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.body.at("found"), 1);
  EXPECT_EQ(answer.body.at("collected"), 1);
  EXPECT_TRUE(answer.body.at("missing").as_array().empty());
  ASSERT_EQ(answer.body.at("minutes").as_array().size(), 1U);
}

TEST_F(LogSourcesApi, ShowTotalsAndSinksThatStandStill) {
  collect(3);
  ASSERT_TRUE(spool->attach("search").has_value());
  ASSERT_TRUE(spool->attach("otlp:http://there").has_value());
  logs::SinkStatus well{.name = "search"}, ill{.name = "otlp:http://there", .failures = 7, .refused = 2};
  ill.trouble = Error{ErrorKind::upstream_unavailable, "the receiver answers 503"};
  ill.trouble_since = clock.now();
  log_sinks = {well, ill};
  const auto status = get("/v1/logs/status");
  ASSERT_EQ(status.status, 200) << status.text;
  EXPECT_EQ(status.body.at("sources").at("active"), 6);
  EXPECT_EQ(status.body.at("tenants").as_array().size(), 2U);
  EXPECT_EQ(status.body.at("tenants").at(0).at("events"), 3);
  ASSERT_EQ(status.body.at("sinks").as_array().size(), 2U);
  const auto& otlp = status.body.at("sinks").at(0);
  EXPECT_EQ(otlp.at("trouble").at("message"), "the receiver answers 503");
  EXPECT_EQ(otlp.at("failures"), 7);
  EXPECT_EQ(otlp.at("refused"), 2);
  EXPECT_TRUE(status.body.at("sinks").at(1).at("trouble").is_null());
  const auto metrics = call("GET", "/metrics", "").text;
  for (const char* line :
       {"deputy_logs_sinks_standing_still{sink=\"otlp\"} 1",
        "deputy_logs_sinks_standing_still{sink=\"search\"} 0",
        "deputy_logs_sink_failures_total{sink=\"otlp\"} 7", "deputy_logs_sink_refused_total{sink=\"otlp\"} 2",
        "deputy_logs_sink_pages_behind{sink=\"search\"} 6", "deputy_logs_sources{status=\"active\"} 6"})
    EXPECT_NE(metrics.find(line), std::string::npos) << line;
}

}  // namespace
}  // namespace deputy::api
