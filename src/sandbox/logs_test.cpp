#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <set>

#include "sandbox/sandbox.hpp"
#include "sandbox/test_client.hpp"

// CloudWatch Logs, as unpleasant as AWS may be.
namespace deputy::sandbox {
namespace {

class SandboxLogs : public testing::Test {
 protected:
  SandboxLogs() {
    EXPECT_EQ(call("CreateLogGroup", R"({"logGroupName":"/g"})").status, 200);
    EXPECT_EQ(call("CreateLogStream", R"({"logGroupName":"/g","logStreamName":"s"})").status, 200);
  }
  http::Response call(std::string_view operation, std::string body) {
    return client.logs(TestClient::admin(), operation, std::move(body));
  }
  std::int64_t now_ms() const {
    return std::chrono::floor<std::chrono::milliseconds>(client.clock.now().time_since_epoch()).count();
  }
  void put(int count) {
    std::string events;
    for (int i = 0; i < count; ++i)
      events += fmt::format(R"({}{{"timestamp":{},"message":"m{} \"\\ \u001b"}})", i > 0 ? "," : "",
                            now_ms() + i, i);
    const auto answer =
        call("PutLogEvents", R"({"logGroupName":"/g","logStreamName":"s","logEvents":[)" + events + "]}");
    EXPECT_EQ(answer.status, 200) << answer.body;
  }
  // All pages; how many there were.
  std::set<std::string> read(const std::string& group, std::string more = {}, int* pages = nullptr) {
    std::set<std::string> ids;
    std::string token;
    do {
      const auto answer =
          call("FilterLogEvents", R"({"logGroupName":")" + group + R"(")" + more +
                                      (token.empty() ? "" : R"(,"nextToken":")" + token + R"(")") + "}");
      EXPECT_EQ(answer.status, 200) << answer.body;
      if (answer.status != 200) return ids;
      const auto body = boost::json::parse(answer.body).as_object();
      for (const auto& event : body.at("events").as_array())
        EXPECT_TRUE(ids.insert(std::string{event.at("eventId").as_string()}).second) << "given twice";
      const auto* next = body.if_contains("nextToken");
      token = next == nullptr ? "" : std::string{next->as_string()};
      if (pages != nullptr) ++*pages;
    } while (!token.empty());
    return ids;
  }
  void misbehave(Disturbance disturbance) { client.sandbox.set_misbehaviour({{std::move(disturbance)}}); }

  TestClient client;
};

TEST_F(SandboxLogs, AWindowIncludesBothItsEnds) {
  put(3);
  EXPECT_EQ(read("/g", fmt::format(R"(,"startTime":{},"endTime":{})", now_ms(), now_ms() + 1)).size(), 2u);
}

TEST_F(SandboxLogs, EventsBecomeVisibleLate) {
  misbehave({.kind = Disturbance::Kind::visibility,
             .operation = "PutLogEvents",
             .delay = std::chrono::seconds{90}});
  put(2);
  EXPECT_EQ(read("/g").size(), 0u);
  client.clock.advance(std::chrono::seconds{90});
  EXPECT_EQ(read("/g").size(), 2u);
}

// Only a missing token ends a window.
TEST_F(SandboxLogs, PagesMayBeShortOrEmpty) {
  put(20);
  misbehave({.kind = Disturbance::Kind::short_page, .count = 5});
  int pages = 0;
  EXPECT_EQ(read("/g", "", &pages).size(), 20u);
  EXPECT_GT(pages, 2);
}

TEST_F(SandboxLogs, ATokenIsGoodForItsQuestionAndADayOnly) {
  put(3);
  const std::string question = R"({"logGroupName":"/g","limit":1,"startTime":1)";
  const auto first = call("FilterLogEvents", question + "}");
  const std::string token{boost::json::parse(first.body).at("nextToken").as_string()};
  const auto with = [&](const std::string& start) { return start + R"(,"nextToken":")" + token + R"("})"; };
  EXPECT_EQ(call("FilterLogEvents", with(question)).status, 200);
  EXPECT_EQ(call("FilterLogEvents", with(R"({"logGroupName":"/g","limit":1,"startTime":2)")).status, 400);
  misbehave({.kind = Disturbance::Kind::refuse_token, .count = 1});
  EXPECT_EQ(call("FilterLogEvents", with(question)).status, 400);
  EXPECT_EQ(call("FilterLogEvents", with(question)).status, 200);
  client.clock.advance(std::chrono::hours{25});
  EXPECT_EQ(call("FilterLogEvents", with(question)).status, 400);
}

TEST_F(SandboxLogs, AGroupThatIsMadeAgainIsEmptyAndYounger) {
  put(2);
  client.clock.advance(std::chrono::seconds{1});
  EXPECT_EQ(call("DeleteLogGroup", R"({"logGroupName":"/g"})").status, 200);
  EXPECT_NE(call("FilterLogEvents", R"({"logGroupName":"/g"})").body.find("ResourceNotFoundException"),
            std::string::npos);
  EXPECT_EQ(call("DeleteLogGroup", R"({"logGroupName":"/g"})").status, 400);
  EXPECT_EQ(call("CreateLogGroup", R"({"logGroupName":"/g"})").status, 200);
  EXPECT_EQ(read("/g").size(), 0u);
  EXPECT_NE(call("DescribeLogGroups", "{}").body.find(fmt::format(R"("creationTime":{})", now_ms())),
            std::string::npos);
}

TEST_F(SandboxLogs, AThrottleIsA400) {
  misbehave({.kind = Disturbance::Kind::throttle, .service = "logs", .operation = "FilterLogEvents"});
  const auto answer = call("FilterLogEvents", R"({"logGroupName":"/g"})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("ThrottlingException"), std::string::npos);
}

TEST_F(SandboxLogs, AnEventAndABatchHaveAMegabyteAtMost) {
  const auto put_sizes = [&](std::initializer_list<std::size_t> sizes) {
    std::string events;
    for (const std::size_t size : sizes)
      events += fmt::format(R"({}{{"timestamp":{},"message":"{}"}})", events.empty() ? "" : ",", now_ms(),
                            std::string(size, 'x'));
    return call("PutLogEvents", R"({"logGroupName":"/g","logStreamName":"s","logEvents":[)" + events + "]}");
  };
  constexpr std::size_t most = std::size_t{1024} * 1024 - 26;
  EXPECT_EQ(put_sizes({most}).status, 200);
  EXPECT_EQ(put_sizes({most / 2, most / 2 - 26}).status, 200);
  for (const auto& sizes :
       {std::initializer_list<std::size_t>{most + 1}, {most + 27}, {most / 2, most / 2}}) {
    const auto refused = put_sizes(sizes);
    EXPECT_EQ(refused.status, 400);
    EXPECT_NE(refused.body.find("InvalidParameterException"), std::string::npos) << refused.body;
  }
  int pages = 0;
  EXPECT_EQ(read("/g", "", &pages).size(), 3U);
  EXPECT_EQ(pages, 2);
  // As long in JSON as can be.
  std::string worst;
  for (std::size_t i = 0; i < most; ++i) worst += "\\u0000";
  const auto taken = call("PutLogEvents", fmt::format(R"({{"logGroupName":"/g","logStreamName":"s",)"
                                                      R"("logEvents":[{{"timestamp":{},"message":"{}"}}]}})",
                                                      now_ms() + 1, worst));
  EXPECT_EQ(taken.status, 200) << taken.body;
}

TEST_F(SandboxLogs, GeneratedEventsKeepToTimeSizeAndNumber) {
  const auto seed = read_seed(
      R"({"accounts":[{"id":"999999999999","users":[{"name":"u","access_key_id":"AKIALOAD","secret_access_key":"s","policies":{"all":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}}],"log_groups":[{"name":"/load","generate":{"per_second":12000,"since_seconds":2}},{"name":"/small","generate":{"per_second":12000,"since_seconds":2,"message_bytes":20}}]}]})");
  ASSERT_TRUE(seed) << seed.error().message;
  ASSERT_TRUE(client.sandbox.apply(seed.value()));
  const aws::Credentials user{"AKIALOAD", SecretString{"s"}, SecretString{}, std::nullopt};
  const auto page = [&](const std::string& body) {
    const auto answer = client.logs(user, "FilterLogEvents", body);
    EXPECT_EQ(answer.status, 200) << answer.body.substr(0, 200);
    EXPECT_LT(answer.body.size(), 4u * 1024 * 1024);
    return boost::json::parse(answer.body).as_object();
  };
  const auto full = page(R"({"logGroupName":"/small"})");
  EXPECT_EQ(full.at("events").as_array().size(), 10'000u);
  const auto large = page(R"({"logGroupName":"/load"})");
  EXPECT_LT(large.at("events").as_array().size(), 5'000u);
  EXPECT_EQ(large.at("events").at(0).at("message").as_string().size(), 200u);
  // A window of 100 ms has its 1,200 events, whole and once.
  const auto window = page(fmt::format(R"({{"logGroupName":"/load","startTime":{},"endTime":{}}})",
                                       now_ms() - 1000, now_ms() - 901));
  EXPECT_EQ(window.at("events").as_array().size(), 1'200u);
  EXPECT_FALSE(window.contains("nextToken"));
}

}  // namespace
}  // namespace deputy::sandbox
