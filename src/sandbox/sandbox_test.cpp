#include "sandbox/sandbox.hpp"

#include "sandbox/test_client.hpp"

namespace deputy::sandbox {
namespace {

using Kind = Disturbance::Kind;

http::Response identity(TestClient& client) {
  return client.query(TestClient::broker(), "sts", "GetCallerIdentity");
}

http::Response control(TestClient& client, std::string method, std::string body = {},
                       std::string origin = {}) {
  http::Request request;
  request.method = std::move(method);
  request.target = request.path = "/_sandbox/misbehaviour";
  request.body = std::move(body);
  if (!origin.empty()) request.headers.add("Origin", origin);
  return client.send(std::move(request));
}

TEST(Sandbox, RefusesWhatItDoesNotKnow) {
  TestClient client;
  EXPECT_EQ(TestClient::code(client.query(TestClient::admin(), "iam", "ListUsers")), "InvalidAction");
  EXPECT_EQ(TestClient::code(client.query(TestClient::admin(), "sts", "GetSessionToken")), "InvalidAction");
  EXPECT_EQ(TestClient::code(client.query(TestClient::admin(), "ec2", "DescribeInstances")), "InvalidAction");
  EXPECT_EQ(TestClient::code(
                client.send(client.signed_request(TestClient::admin(), "s3", "GET", "/acme-logs", ""))),
            "NotImplemented");
  EXPECT_EQ(
      TestClient::code(client.send(client.signed_request(TestClient::admin(), "s3", "GET", "/?acl", ""))),
      "NotImplemented");
  const auto logs = client.logs(TestClient::admin(), "StartQuery", "{}");
  EXPECT_EQ(logs.status, 400);
  EXPECT_NE(logs.body.find("UnknownOperationException"), std::string::npos);
  EXPECT_EQ(TestClient::code(
                client.query(TestClient::admin(), "iam", "GetRole", {{"RoleName", "x"}, {"Unknown", "1"}})),
            "ValidationError");
}

TEST(Sandbox, ThrottlesEachOperationOfEachAccountAtARate) {
  TestClient client;
  client.sandbox.set_misbehaviour({{{.kind = Kind::throttle, .service = "sts", .per_second = 2}}});
  EXPECT_EQ(identity(client).status, 200);
  EXPECT_EQ(identity(client).status, 200);
  const auto throttled = identity(client);
  EXPECT_EQ(throttled.status, 400);
  EXPECT_EQ(TestClient::code(throttled), "Throttling");
  EXPECT_EQ(TestClient::element(throttled, "Message"), "Rate exceeded");
  EXPECT_EQ(client.query(TestClient::admin(), "sts", "GetCallerIdentity").status, 200);
  EXPECT_EQ(client.query(TestClient::admin(), "iam", "ListRoles").status, 200);
  client.loop.advance(std::chrono::milliseconds{500});
  EXPECT_EQ(identity(client).status, 200);
  EXPECT_EQ(identity(client).status, 400);
}

TEST(Sandbox, AnswersLate) {
  TestClient client;
  client.sandbox.set_misbehaviour({{{.kind = Kind::late, .delay = std::chrono::seconds{3}}}});
  const auto before = client.clock.steady_now();
  EXPECT_EQ(identity(client).status, 200);
  EXPECT_EQ(client.clock.steady_now() - before, std::chrono::seconds{3});
}

TEST(Sandbox, FailsForACountOfCalls) {
  TestClient client;
  client.sandbox.set_misbehaviour(
      {{{.kind = Kind::server_error, .operation = "GetCallerIdentity", .count = 2}}});
  EXPECT_EQ(TestClient::code(identity(client)), "ServiceUnavailable");
  EXPECT_EQ(identity(client).status, 503);
  EXPECT_EQ(identity(client).status, 200);
}

TEST(Sandbox, CutsConnectionsAndAnswers) {
  TestClient client;
  client.sandbox.set_misbehaviour({{{.kind = Kind::cut_connection, .count = 1}}});
  const auto cut = identity(client);
  EXPECT_EQ(cut.status, 0);
  EXPECT_TRUE(cut.close_connection);
  client.sandbox.set_misbehaviour({{{.kind = Kind::malformed_answer, .count = 1}}});
  const auto malformed = identity(client);
  EXPECT_EQ(malformed.status, 200);
  EXPECT_EQ(malformed.body.find("</GetCallerIdentityResponse>"), std::string::npos);
}

TEST(Sandbox, IsToldToMisbehaveOverHttp) {
  TestClient client;
  EXPECT_EQ(
      control(client, "PUT", R"({"disturbances":[{"kind":"server_error","status":500,"count":1}]})").status,
      200);
  EXPECT_EQ(identity(client).status, 500);
  EXPECT_NE(control(client, "GET").body.find(R"("count":0)"), std::string::npos);
  EXPECT_EQ(control(client, "DELETE").body, R"({"disturbances":[]})");
  for (const std::string wrong :
       {R"({"disturbances":[{"kind":"sleep"}]})", R"({"disturbances":[{"kind":"late","delay":1}]})",
        R"({"disturbances":[{}]})", R"({"disturbances":[{"kind":"late","delay_ms":-1}]})", R"({"other":1})",
        "[]", "x"})
    EXPECT_EQ(control(client, "PUT", wrong).status, 400) << wrong;
  EXPECT_EQ(control(client, "PUT", R"({"disturbances":[]})", "https://example.com").status, 403);
  EXPECT_EQ(control(client, "POST").status, 405);
}

TEST(Sandbox, LogGroupsAreFoundByTimeAndTerm) {
  TestClient client;
  const auto admin = TestClient::admin();
  EXPECT_EQ(client.logs(admin, "CreateLogGroup", R"({"logGroupName":"/acme/web"})").status, 200);
  EXPECT_EQ(
      client.logs(admin, "CreateLogStream", R"({"logGroupName":"/acme/web","logStreamName":"s"})").status,
      200);
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(client.clock.now().time_since_epoch()).count();
  const auto put = fmt::format(
      R"({{"logGroupName":"/acme/web","logStreamName":"s","logEvents":[{{"timestamp":{0},"message":"same"}},{{"timestamp":{0},"message":"same"}},{{"timestamp":{1},"message":"later ERROR"}}]}})",
      now, now + 5);
  EXPECT_EQ(client.logs(admin, "PutLogEvents", put).status, 200);
  const auto count = [](const http::Response& response) {
    std::size_t events = 0;
    for (std::size_t at = response.body.find("eventId"); at != std::string::npos;
         at = response.body.find("eventId", at + 1))
      ++events;
    return events;
  };
  EXPECT_EQ(count(client.logs(admin, "FilterLogEvents", R"({"logGroupName":"/acme/web"})")), 3U);
  EXPECT_EQ(
      count(client.logs(admin, "FilterLogEvents",
                        fmt::format(R"({{"logGroupName":"/acme/web","startTime":{0},"endTime":{0}}})", now))),
      2U);
  EXPECT_EQ(count(client.logs(admin, "FilterLogEvents",
                              R"({"logGroupName":"/acme/web","filterPattern":"ERROR later"})")),
            1U);
  EXPECT_EQ(
      client.logs(admin, "FilterLogEvents", R"({"logGroupName":"/acme/web","nextToken":"1.2.3.x"})").status,
      400);
  EXPECT_EQ(client.logs(admin, "DescribeLogGroups", R"({"limit":51})").status, 400);
  EXPECT_EQ(
      client.logs(admin, "CreateLogGroup", R"({"logGroupName":"/i","logGroupClass":"INFREQUENT_ACCESS"})")
          .status,
      200);
  EXPECT_NE(client.logs(admin, "FilterLogEvents", R"({"logGroupName":"/i"})")
                .body.find("InvalidParameterException"),
            std::string::npos);
}

TEST(Seed, IsReadStrictly) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"accounts":[{"id":"1"}]})", "12 digits"},
      {R"({"accounts":[{"id":"111111111111","nick":"x"}]})",
       "`nick` is not a member of an account at line 1, column 35"},
      {R"({"accounts":[{"id":"111111111111"},{"id":"111111111111"}]})", "given twice"},
      {R"({"accounts":[{"id":"111111111111","users":[{"name":"u","access_key_id":"AKIA000000000000"}]}]})",
       "or neither"},
      {R"({"accounts":[{"id":"111111111111","users":[{"name":"u","access_key_id":"ASIA000000000000","secret_access_key":"s"}]}]})",
       "not beginning with ASIA"},
      {R"({"accounts":[{"id":"111111111111","roles":[{"name":"r","trust_policy":"text"}]}]})",
       "not an object"},
      {R"({"accounts":[{"id":"111111111111","log_groups":[{"name":"g","region":"cn-north-1"}]}]})",
       "not a Region of the account's partition"},
      {R"({"accounts":{}})", "not a list"},
  };
  for (const auto& [text, message] : cases) {
    const auto seed = read_seed(text);
    ASSERT_FALSE(seed) << text;
    EXPECT_NE(seed.error().message.find(message), std::string::npos) << seed.error().message;
  }
}

TEST(Seed, ARoleWithoutATrustPolicyTrustsNobody) {
  const auto seed = read_seed(
      R"({"accounts":[{"id":"111111111111","users":[{"name":"u","access_key_id":"AKIA_acme","secret_access_key":"s"}],"roles":[{"name":"r"}]}]})");
  ASSERT_TRUE(seed) << seed.error().message;
  EXPECT_NE(seed.value().accounts[0].roles[0].trust_policy.find("Deny"), std::string::npos);
}

TEST(Seed, PlantsByTheRulesOfCalls) {
  FakeClock clock;
  SeededRandom random;
  ManualLoop loop{clock};
  const std::vector<std::string> wrong{
      fmt::format(R"({{"accounts":[{{"id":"{}","roles":[{{"name":"r","trust_policy":{}}}]}}]}})", customer,
                  trust_of("arn:aws:iam::222222222222:role/nobody")),
      fmt::format(R"({{"accounts":[{{"id":"{}","roles":[{{"name":"r/","trust_policy":{}}}]}}]}})", customer,
                  trust_of(partner)),
      R"({"accounts":[{"id":"222222222222","buckets":["Upper"]}]})",
      R"({"accounts":[{"id":"222222222222","users":[{"name":"u","policies":{"p":{"Version":"1"}}}]}]})",
  };
  for (const std::string& text : wrong) {
    Sandbox sandbox{clock, random, loop};
    EXPECT_FALSE(sandbox.apply(read_seed(text).value())) << text;
  }
  Sandbox sandbox{clock, random, loop};
  const Seed mutual =
      read_seed(
          fmt::format(
              R"({{"accounts":[{{"id":"{0}","roles":[{{"name":"a","trust_policy":{1}}},{{"name":"b","trust_policy":{2}}}]}}]}})",
              customer, trust_of("arn:aws:iam::222222222222:role/b"),
              trust_of("arn:aws:iam::222222222222:role/a")))
          .value();
  EXPECT_TRUE(sandbox.apply(mutual));
  const auto again = sandbox.apply(mutual);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
}

}  // namespace
}  // namespace deputy::sandbox
