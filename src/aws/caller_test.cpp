#include "aws/caller.hpp"

#include "support/fake_random.hpp"
#include "support/fake_transport.hpp"
#include "support/manual_loop.hpp"

#include <gtest/gtest.h>

namespace deputy::aws {
namespace {

using namespace std::chrono_literals;

std::string xml_error(const std::string& code, const std::string& message = "") {
  return "<ErrorResponse><Error><Code>" + code + "</Code><Message>" + message +
         "</Message></Error></ErrorResponse>";
}

class CallerTest : public testing::Test {
 protected:
  static Call a_call() {
    Call call{.service = "sts",
              .signing_name = "sts",
              .region = Region::parse("us-east-1").value(),
              .query = {},
              .headers = {},
              .body = "a=b"};
    return call;
  }
  AwsResult<HttpResponse> run(Call call = a_call()) {
    const Caller caller{loop, clock, random, transport, endpoints, retry};
    return loop.run_through_time(perform(caller, std::move(call), credentials));
  }

  FakeClock clock;
  ManualLoop loop{clock};
  SeededRandom random;
  FakeTransport transport;
  Endpoints endpoints = Endpoints::at("http://127.0.0.1:4566/");
  RetryPolicy retry;
  Credentials credentials{"AKIABASE", SecretString{"s"}, SecretString{}, std::nullopt};
};

TEST_F(CallerTest, SignsForThePlaceItSendsTo) {
  endpoints = Endpoints::at("https://Proxy.example.com:443/aws/");
  transport.then(200, "fine");
  Call call = a_call();
  call.path = "/x y";
  call.query = "b=1&a";
  ASSERT_EQ(run(call).value().body, "fine");
  const HttpRequest& sent = transport.requests.at(0);
  EXPECT_EQ(sent.url, "https://Proxy.example.com:443/aws/x y?b=1&a");
  EXPECT_EQ(header_of(sent, "host"), "Proxy.example.com");
  const SignableRequest signable{.method = "POST",
                                 .path = "/aws/x y",
                                 .query = "b=1&a",
                                 .headers = {{"host", "Proxy.example.com"}},
                                 .body = "a=b"};
  EXPECT_EQ(header_of(sent, "authorization"), sign(signable, {"us-east-1", "sts", clock.now()}, credentials,
                                                   PathStyle::normalized_twice_encoded)
                                                  .back()
                                                  .second);
}

TEST_F(CallerTest, RetriesWhatMayPass) {
  for (const int status : {500, 502, 503, 504}) {
    transport.then(status, "<html>");
    transport.then_no_answer("Timeout");
    transport.then(200, "at last");
    const auto result = run();
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result.value().body, "at last");
  }
  EXPECT_EQ(transport.requests.size(), 12U);
}

TEST_F(CallerTest, AllAttemptsTogetherEndBeforeAClientGivesUp) {
  EXPECT_TRUE(run().has_error());  // no connection
  ASSERT_EQ(transport.requests.size(), 3U);
  std::chrono::milliseconds together{0};
  for (const auto& request : transport.requests) together += request.timeout;
  EXPECT_LT(together, 29s);
}

TEST_F(CallerTest, GivesUpAfterItsAttempts) {
  transport.otherwise = FakeTransport::always(400, xml_error("Throttling", "Rate exceeded"));
  const auto result = run();
  EXPECT_EQ(result.error().error_class, AwsErrorClass::throttled);
  EXPECT_EQ(result.error().message, "Rate exceeded");
  EXPECT_EQ(transport.requests.size(), 3U);
}

TEST_F(CallerTest, WhatIsNotIdempotentIsSentAgainOnlyAfterAThrottle) {
  Call call = a_call();
  call.idempotent = false;
  transport.otherwise = FakeTransport::always(500, "");
  EXPECT_TRUE(run(call).has_error());
  EXPECT_EQ(transport.requests.size(), 1U);
  transport.otherwise = nullptr;  // no connection
  EXPECT_EQ(run(call).error().code, "ConnectionFailed");
  EXPECT_EQ(transport.requests.size(), 2U);
  transport.otherwise = FakeTransport::always(429, "");
  EXPECT_EQ(run(call).error().error_class, AwsErrorClass::throttled);
  EXPECT_EQ(transport.requests.size(), 5U);
}

TEST_F(CallerTest, NothingElseIsSentAgain) {
  for (const auto& [status, body] :
       std::vector<std::pair<int, std::string>>{{403, xml_error("AccessDenied")},
                                                {400, xml_error("ValidationError")},
                                                {403, xml_error("ExpiredToken")},
                                                {404, xml_error("NoSuchEntity")},
                                                {403, "<html>"},
                                                {302, ""}}) {
    transport.requests.clear();
    transport.otherwise = FakeTransport::always(status, body);
    EXPECT_TRUE(run().has_error());
    EXPECT_EQ(transport.requests.size(), 1U) << body;
  }
  transport.requests.clear();
  transport.then_no_answer("Closed");
  EXPECT_EQ(run().error().code, "Closed");
  EXPECT_EQ(transport.requests.size(), 1U);
}

TEST_F(CallerTest, WaitsWithFullJitterUpToACeiling) {
  retry = {.attempts_max = 12, .backoff_base = 100ms, .backoff_max = 1s};
  std::vector<std::chrono::steady_clock::time_point> times;
  transport.otherwise = [&](const HttpRequest&) -> Result<HttpResponse> {
    times.push_back(clock.steady_now());
    return HttpResponse{503, {}, ""};
  };
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(run().has_error());
  ASSERT_EQ(times.size(), 600U);
  for (std::size_t attempt = 0; attempt < 11; ++attempt) {
    const auto ceiling = std::min<std::chrono::milliseconds>(100ms * (1 << attempt), 1s);
    auto shortest = 10'000ms, longest = 0ms;
    for (std::size_t i = 0; i < 50; ++i) {
      const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(times[i * 12 + attempt + 1] -
                                                                              times[i * 12 + attempt]);
      shortest = std::min(shortest, wait);
      longest = std::max(longest, wait);
    }
    EXPECT_LE(longest, ceiling) << attempt;
    EXPECT_GT(longest, ceiling / 2) << attempt;
    EXPECT_LT(shortest, ceiling / 2) << attempt;
  }
}

TEST_F(CallerTest, CorrectsItsClockOnceByTheAnswersDate) {
  const std::string late = "Thu, 01 Jan 2026 02:00:00 GMT";
  for (const auto& [code, message] : std::vector<std::pair<std::string, std::string>>{
           {"RequestTimeTooSkewed", ""},
           {"RequestExpired", ""},
           {"SignatureDoesNotMatch",
            "Signature expired: 20260101T000000Z is now earlier than 20260101T014500Z"},
           {"InvalidSignatureException",
            "Signature not yet current: 20260101T000000Z is still later than"}}) {
    transport.requests.clear();
    transport.then(403, xml_error(code, message), {{"date", late}});
    transport.then(200, "");
    EXPECT_TRUE(run().has_value()) << code;
    ASSERT_EQ(transport.requests.size(), 2U);
    EXPECT_EQ(header_of(transport.requests[0], "x-amz-date"), "20260101T000000Z");
    EXPECT_EQ(header_of(transport.requests[1], "x-amz-date"), "20260101T020000Z");
  }
}

TEST_F(CallerTest, ASkewThatStaysIsUnavailability) {
  for (const std::string date :
       {"Thu, 01 Jan 2026 02:00:00 GMT", "gibberish", "Thu, 01 Jan 2099 02:00:00 GMT"}) {
    transport.requests.clear();
    transport.otherwise = FakeTransport::always(403, xml_error("RequestTimeTooSkewed"), {{"date", date}});
    EXPECT_EQ(run().error().error_class, AwsErrorClass::unavailable);
    EXPECT_EQ(transport.requests.size(), date.ends_with("2026 02:00:00 GMT") ? 2U : 1U) << date;
  }
  transport.otherwise = FakeTransport::always(403, xml_error("SignatureDoesNotMatch", "wrong key"),
                                              {{"date", "Thu, 01 Jan 2026 02:00:00 GMT"}});
  transport.requests.clear();
  EXPECT_EQ(run().error().error_class, AwsErrorClass::caller_credentials);
  EXPECT_EQ(transport.requests.size(), 1U);
}

TEST_F(CallerTest, BelievesEachProtocolInItsOwnFormOnly) {
  Call logs = a_call();
  logs.service = logs.signing_name = "logs";
  logs.headers = {{"content-type", "application/x-amz-json-1.1"}};
  Call s3 = a_call();
  s3.service = s3.signing_name = "s3";
  s3.path_style = PathStyle::as_sent;
  const auto class_of = [this](const Call& call, int status, const std::string& body) {
    transport.otherwise = FakeTransport::always(status, body, {{"x-amz-request-id", "id"}});
    return run(call).error().error_class;
  };
  EXPECT_EQ(class_of(logs, 400, R"({"__type":"com.amazonaws.logs#AccessDeniedException","Message":"m"})"),
            AwsErrorClass::access_denied);
  EXPECT_EQ(class_of(logs, 403, R"({"__type":"AccessDeniedException"})"), AwsErrorClass::access_denied);
  EXPECT_EQ(class_of(logs, 400, R"({"__type":"ResourceNotFoundException","message":"m"})"),
            AwsErrorClass::not_found);
  EXPECT_EQ(class_of(logs, 400, R"({"__type":"ThrottlingException"})"), AwsErrorClass::throttled);
  EXPECT_EQ(class_of(logs, 400, R"({"__type":"AccessDeniedException","__type":"AccessDeniedException"})"),
            AwsErrorClass::unavailable);
  EXPECT_EQ(class_of(logs, 403, xml_error("AccessDenied")), AwsErrorClass::unavailable);
  EXPECT_EQ(class_of(logs, 400, R"({"__type":7})"), AwsErrorClass::unavailable);
  EXPECT_EQ(
      class_of(s3, 403,
               "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><RequestId>r</RequestId></Error>"),
      AwsErrorClass::access_denied);
  EXPECT_EQ(class_of(s3, 403, xml_error("AccessDenied")), AwsErrorClass::unavailable);
  EXPECT_EQ(class_of(s3, 503, "<Error><Code>SlowDown</Code></Error>"), AwsErrorClass::throttled);
  EXPECT_EQ(class_of(s3, 404, "<Error><Code>NoSuchBucket</Code></Error>"), AwsErrorClass::not_found);
  EXPECT_EQ(run(s3).error().request_id, "id");
  EXPECT_FALSE(header_of(transport.requests.back(), "x-amz-content-sha256").empty());
}

}  // namespace
}  // namespace deputy::aws
