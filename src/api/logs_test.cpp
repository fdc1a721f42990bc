#include "support/api_fixture.hpp"
#include "support/log_records.hpp"

namespace deputy::api {
namespace {

constexpr std::int64_t today = 1'767'225'600'000;  // where a FakeClock begins

class LogsApi : public ApiFixture {
 protected:
  LogsApi() {
    acme = make_tenant("Acme");
    globex = make_tenant("Globex");
    acme_connection = make_connection(acme).string("id");
    globex_connection = make_connection(globex).string("id");
    EXPECT_TRUE(log_store.begin_writing().has_value());
  }

  void write(const std::string& tenant, const std::string& connection, const logs::OwnedRecords& records) {
    logs::Origin origin = logs::an_origin();
    origin.tenant = TenantId::parse(tenant).value();
    origin.connection = ConnectionId::parse(connection).value();
    std::vector<char> encoded;
    logs::encode_page(origin, records.records(), encoded);
    logs::SpoolBatch batch;
    batch.pages.push_back({1, logs::decode_page(std::move(encoded)).value()});
    const auto written = log_store.write(batch);
    ASSERT_TRUE(written.has_value()) << written.error().detail;
  }

  std::string acme, globex, acme_connection, globex_connection;
};

TEST_F(LogsApi, FindsWhatWasCollected) {
  write(acme, acme_connection,
        logs::OwnedRecords{}
            .add("e1", today, "first error")
            .add("e2", today + 7, "second error \x1b[31m \xff"));
  const auto found = get("/v1/logs/search?tenant_id=" + acme + "&q=error&limit=1");
  ASSERT_EQ(found.status, 200) << found.text;
  const auto& record = found.body.at("items").at(0);
  EXPECT_EQ(record.at("message"), "second error \x1b[31m \xef\xbf\xbd");
  EXPECT_EQ(record.at("timestamp"), "2026-01-01T00:00:00.007Z");
  EXPECT_EQ(record.at("ingested_at"), "2026-01-01T00:00:00.012Z");
  EXPECT_EQ(record.at("connection_id").as_string(), acme_connection);
  EXPECT_EQ(record.at("group"), "/acme/app");
  EXPECT_EQ(record.at("event_id"), "e2");
  const auto next =
      get("/v1/logs/search?tenant_id=" + acme + "&q=error&limit=1&cursor=" + found.string("next_cursor"));
  EXPECT_EQ(next.body.at("items").at(0).at("event_id"), "e1");
  EXPECT_TRUE(next.body.at("next_cursor").is_null());
  const auto within =
      get("/v1/logs/search?tenant_id=" + acme + "&from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00.007Z");
  ASSERT_EQ(within.body.at("items").as_array().size(), 1U) << within.text;
  EXPECT_EQ(within.body.at("items").at(0).at("event_id"), "e1");
}

TEST_F(LogsApi, FollowsWhatArrives) {
  write(acme, acme_connection, logs::OwnedRecords{}.add("e1", today, "before"));
  const auto start = get("/v1/logs/tail?tenant_id=" + acme);
  EXPECT_TRUE(start.body.at("items").as_array().empty());
  write(acme, acme_connection, logs::OwnedRecords{}.add("e2", today - 5'000, "late"));
  const auto next = get("/v1/logs/tail?tenant_id=" + acme + "&cursor=" + start.string("next_cursor"));
  ASSERT_EQ(next.body.at("items").as_array().size(), 1U) << next.text;
  EXPECT_EQ(next.body.at("items").at(0).at("message"), "late");
}

// A key's searches wait behind each other, a few of them: threads are left for others.
TEST_F(LogsApi, TellsAKeyThatSearchesTooMuchAtOnceToWait) {
  write(acme, acme_connection, logs::OwnedRecords{}.add("e1", today, "error"));
  const std::string path = "/v1/logs/search";
  ASSERT_EQ(get(path + "?tenant_id=" + acme).status, 200);
  std::map<int, int> statuses;
  TaskGroup asking;
  const auto ask = [&]() -> Task<void> {
    http::Request request;
    request.method = "GET";
    request.path = path;
    request.query = "tenant_id=" + acme;
    request.target = path + "?" + request.query;
    request.headers.add("Authorization", "Bearer " + admin);
    request.request_id = "req_test";
    request.remote_address = "192.0.2.7";
    ++statuses[(co_await api.handle(std::move(request))).status];
  };
  for (int i = 0; i < 9; ++i) asking.spawn(ask());
  loop.run(asking.join());
  EXPECT_EQ(statuses, (std::map<int, int>{{200, 6}, {429, 3}}));
  EXPECT_EQ(get(path + "?tenant_id=" + acme).status, 200);
}

TEST_F(LogsApi, SaysWhereAQueryCannotBeRead) {
  const auto refused = get("/v1/logs/search?tenant_id=" + acme + "&q=error%20AND%20(a");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.code(), "invalid_request");
  EXPECT_EQ(refused.string("field"), "q");
  EXPECT_EQ(refused.string("detail"), "the query cannot be read at character 11: this `(` is never closed");
  for (const auto& [query, field] : std::vector<std::pair<std::string, std::string>>{
           {"", "tenant_id"},
           {"tenant_id=" + acme + "&from=yesterday", "from"},
           {"tenant_id=" + acme + "&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"},
           {"tenant_id=" + acme + "&cursor=x", "cursor"},
           {"tenant_id=" + acme + "&limit=0", "limit"}}) {
    const auto wrong = get("/v1/logs/search?" + query);
    EXPECT_EQ(wrong.status, 400) << query;
    EXPECT_EQ(wrong.string("field"), field) << query;
  }
}

TEST_F(LogsApi, TakesHostileQuestionsForWhatTheyAre) {
  write(acme, acme_connection, logs::OwnedRecords{}.add("e1", today, "quiet"));
  const std::string of_acme = "/v1/logs/search?tenant_id=" + acme;
  const std::string nested(300, '(');
  const std::string huge(1'001, 'a');
  for (const std::string& query :
       {nested, huge, std::string{"%22unclosed"}, std::string{"a%20OR"}, std::string{"level:"},
        std::string{"*"}, std::string{"ab*"}, std::string{"NOT%20NOT%20NOT"}, std::string{"%ff%fe"}}) {
    const auto answer = get(of_acme + "&q=" + query);
    EXPECT_TRUE(answer.status == 400 || answer.status == 200) << query << answer.text;
    if (answer.status == 400) {
      EXPECT_EQ(answer.string("field"), "q") << query << answer.text;
      EXPECT_LT(answer.text.size(), 1'000U) << "an answer must not echo what was sent at length";
    }
  }
  EXPECT_EQ(get(of_acme + "&q=a%00b").status, 400) << "no query has a NUL, whatever its name";
  // Nothing of a query is SQL, or syntax of the index.
  for (const std::string& query : {std::string{"%27%20OR%201%3D1%20--"}, std::string{"quiet%22%20OR%20%22"},
                                   std::string{"NEAR(quiet%20x)"}, std::string{"%7Bquiet%7D%20:%20x"}}) {
    const auto answer = get(of_acme + "&q=" + query);
    if (answer.status == 200) EXPECT_TRUE(answer.body.at("items").as_array().empty()) << query << answer.text;
  }
  for (const std::string& cursor : {std::string{"s.99999999999999999999.1"}, std::string{"s.-1.-1"},
                                    std::string{"a.1.1"}, std::string{"s.1"}, std::string(100'000, '9'),
                                    std::string{"s.9223372036854775807.9223372036854775807.1"}}) {
    const auto answer = get(of_acme + "&cursor=" + cursor);
    EXPECT_TRUE(answer.status == 400 || answer.body.at("items").as_array().size() <= 1U) << answer.text;
    EXPECT_LT(answer.status, 500) << answer.text;
  }
  for (const char* tenant : {"../../etc", "ten_%2e%2e%2f", "ten_aaaaaaaaaaaaaaaaaaaaaaaa/../x"})
    EXPECT_EQ(get("/v1/logs/search?tenant_id=" + std::string{tenant}).status, 404) << tenant;
  EXPECT_EQ(get(of_acme + "&limit=100000").status, 400);
  EXPECT_EQ(get(of_acme + "&q=a&q=b").status, 400);
}

TEST_F(LogsApi, ATailOfAnotherTenantIsNotFollowedWithItsCursor) {
  write(acme, acme_connection, logs::OwnedRecords{}.add("e1", today, "of acme"));
  const auto cursor = get("/v1/logs/tail?tenant_id=" + globex).string("next_cursor");
  write(acme, acme_connection, logs::OwnedRecords{}.add("e2", today, "of acme too"));
  EXPECT_TRUE(
      get("/v1/logs/tail?tenant_id=" + globex + "&cursor=" + cursor).body.at("items").as_array().empty());
  const auto later = get("/v1/logs/search?tenant_id=" + acme + "&limit=1").string("next_cursor");
  EXPECT_TRUE(
      get("/v1/logs/search?tenant_id=" + globex + "&cursor=" + later).body.at("items").as_array().empty());
}

// Which connections a workload may see is looked up for each search, and the search compares each record's.
TEST_F(LogsApi, AKeyThatMaySeeTooManyConnectionsIsToldWhatToDo) {
  make_workload("indexer", R"([{"integration":"log-reader","tenants":"*"}])");
  const auto workload = make_key(registry::KeyRole::workload, WorkloadName::parse("indexer").value());
  write(acme, acme_connection, logs::OwnedRecords{}.add("e1", today, "of acme"));
  for (int more = 0; more < 2; ++more) make_connection(acme);
  for (const std::string what : {"search", "tail"})
    EXPECT_EQ(call("GET", "/v1/logs/" + what + "?tenant_id=" + acme, workload).status, 200) << what;
  make_connection(acme);
  for (const std::string what : {"search", "tail"}) {
    const auto refused = call("GET", "/v1/logs/" + what + "?tenant_id=" + acme, workload);
    EXPECT_EQ(refused.status, 409) << what;
    EXPECT_EQ(refused.code(), "conflict") << what;
    EXPECT_EQ(refused.string("field"), "tenant_id") << what;
    for (const char* said :
         {"more than 3 of the tenant's connections", "a key of an auditor", "made for a connection"})
      EXPECT_NE(refused.string("detail").find(said), std::string::npos) << refused.text;
  }
  // Those that it is told to use.
  const std::string of_acme = "/v1/logs/search?tenant_id=" + acme;
  const auto narrowed = make_key(registry::KeyRole::workload, WorkloadName::parse("indexer").value(),
                                 std::chrono::minutes{5}, ConnectionId::parse(acme_connection).value());
  for (const std::string& key : {admin, make_key(registry::KeyRole::auditor), narrowed}) {
    const auto found = call("GET", of_acme, key);
    ASSERT_EQ(found.status, 200) << found.text;
    EXPECT_EQ(found.body.at("items").as_array().size(), 1U);
  }
  EXPECT_EQ(call("GET", "/v1/logs/search?tenant_id=" + globex, workload).status, 200);
}

TEST_F(LogsApi, ShowsEachKeyWhatItMaySee) {
  write(acme, acme_connection, logs::OwnedRecords{}.add("a", today, "of acme"));
  write(acme, globex_connection, logs::OwnedRecords{}.add("b", today, "of another connection"));
  write(globex, globex_connection, logs::OwnedRecords{}.add("c", today, "of globex"));
  make_workload("indexer", R"([{"integration":"*","tenants":[")" + acme + R"("]}])");
  make_workload("other", "[]");
  const auto count = [&](const std::string& path, const std::string& key) {
    const auto found = call("GET", path, key);
    return found.status == 200 ? static_cast<int>(found.body.at("items").as_array().size()) : -found.status;
  };
  const std::string of_acme = "/v1/logs/search?tenant_id=" + acme;
  const std::string of_globex = "/v1/logs/search?tenant_id=" + globex;
  const auto indexer = make_key(registry::KeyRole::workload, WorkloadName::parse("indexer").value());
  const auto other = make_key(registry::KeyRole::workload, WorkloadName::parse("other").value());
  EXPECT_EQ(count(of_acme, admin), 2);
  EXPECT_EQ(count(of_acme, make_key(registry::KeyRole::auditor)), 2);
  EXPECT_EQ(count(of_acme, make_key(registry::KeyRole::onboarding)), -403);
  EXPECT_EQ(count(of_acme, indexer), 1);  // of the tenant, the connections that its grants cover
  EXPECT_EQ(count(of_globex, indexer), -404);
  EXPECT_EQ(count(of_acme, other), -404);
  for (const char* unknown : {"ten_aaaaaaaaaaaaaaaaaaaaaaaa", "x"})
    EXPECT_EQ(count("/v1/logs/search?tenant_id=" + std::string{unknown}, admin), -404);
  EXPECT_EQ(count("/v1/logs/tail?tenant_id=" + globex, indexer), -404);
}

}  // namespace
}  // namespace deputy::api
