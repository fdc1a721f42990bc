#include "aws/logs.hpp"

#include "support/aws_client_fixture.hpp"

#include <gtest/gtest.h>

#include "aws/utf8_repair.hpp"

namespace deputy::aws {
namespace {

constexpr std::string_view full_event =
    R"({"logStreamName":"s","timestamp":1,"message":"m","ingestionTime":2,"eventId":"e"})";

TEST(FilteredLogEvents, ReadsEventsAndTheToken) {
  const auto page = FilteredLogEvents::read(
      R"({"searchedLogStreams":[],"events":[)" + std::string{full_event} +
      R"(,{"eventId":"2","ingestionTime":-4,"message":"a\nb \u00e9 \ud83d\ude00","logStreamName":"t","timestamp":3,"more":{"x":[1]}}],"nextToken":"to/k"})");
  ASSERT_TRUE(page) << page.error().detail;
  ASSERT_EQ(page.value().events.size(), 2u);
  EXPECT_EQ(page.value().events[0].event_id, "e");
  EXPECT_EQ(page.value().events[1].message, "a\nb \xC3\xA9 \xF0\x9F\x98\x80");
  EXPECT_EQ(page.value().events[1].ingestion_ms, -4);
  EXPECT_EQ(page.value().next_token, "to/k");
}

TEST(FilteredLogEvents, ViewsSurviveAMove) {
  auto read = FilteredLogEvents::read(R"({"events":[)" + std::string{full_event} + "]}");
  ASSERT_TRUE(read);
  const FilteredLogEvents moved = std::move(read).value();
  EXPECT_EQ(moved.events.at(0).message, "m");
  EXPECT_EQ(moved.next_token, "");
}

TEST(FilteredLogEvents, AnEmptyPageMayHaveAToken) {
  const auto page = FilteredLogEvents::read(R"({"events":[],"nextToken":"t"})");
  ASSERT_TRUE(page);
  EXPECT_TRUE(page.value().events.empty());
  EXPECT_EQ(page.value().next_token, "t");
}

// An event that is skipped is an event that is lost.
TEST(FilteredLogEvents, AnEventThatLacksAnythingIsAnError) {
  for (const std::string_view member :
       {R"("logStreamName":"s",)", R"("timestamp":1,)", R"("message":"m",)", R"("ingestionTime":2,)"}) {
    std::string event{full_event};
    event.erase(event.find(member), member.size());
    EXPECT_FALSE(FilteredLogEvents::read(R"({"events":[)" + event + "]}")) << member;
  }
  EXPECT_FALSE(FilteredLogEvents::read(
      R"({"events":[{"logStreamName":"s","timestamp":1,"message":"m","ingestionTime":2,"eventId":""}]})"));
}

TEST(FilteredLogEvents, WhatIsNotItsFormIsAnErrorNeverAnEmptyPage) {
  for (const char* body : {"", "null", "[]", "{}", R"({"events":null})", R"({"events":[]}x)",
                           R"({"events":[)", R"({"events":[1]})", R"({"events":[],"nextToken":7})",
                           "<html></html>", R"({"events":[{"timestamp":"1"}]})"})
    EXPECT_FALSE(FilteredLogEvents::read(body)) << body;
}

TEST(FilteredLogEvents, OddTextDoesNotStopAPage) {
  const auto with_message = [](const std::string& message) {
    return FilteredLogEvents::read(R"({"events":[{"logStreamName":"s","timestamp":1,"message":")" + message +
                                   R"(","ingestionTime":2,"eventId":"e"},)" + std::string{full_event} + "]}");
  };
  const std::pair<std::string, std::string> cases[] = {
      {"nul \\u0000 end", std::string("nul \0 end", 9)},
      {"half \\ud800 end", "half \xEF\xBF\xBD end"},
      {"half \\udc00 and \\\" quote", "half \xEF\xBF\xBD and \" quote"},
      {"\\ud800\\u0041",
       "\xEF\xBF\xBD"
       "A"},
      {"byte \xFF end", "byte \xEF\xBF\xBD end"},
      {"\\u001b[31m", "\x1b[31m"},
  };
  for (const auto& [sent, meant] : cases) {
    const auto page = with_message(sent);
    ASSERT_TRUE(page) << sent << ": " << page.error().detail;
    ASSERT_EQ(page.value().events.size(), 2u) << sent;
    EXPECT_EQ(page.value().events[0].message, meant);
    EXPECT_EQ(page.value().events[1].message, "m") << "the one after it is whole";
  }
}

TEST(FilteredLogEvents, TakesAMegabyteInOneMessageAndTenThousandEvents) {
  const std::string large(1024 * 1024, 'x');
  const auto one = FilteredLogEvents::read(R"({"events":[{"logStreamName":"s","timestamp":1,"message":")" +
                                           large + R"(","ingestionTime":2,"eventId":"e"}]})");
  ASSERT_TRUE(one);
  EXPECT_EQ(one.value().events[0].message, large);
  std::string many = R"({"events":[)";
  for (int i = 0; i < 10'000; ++i) many += std::string{full_event} + (i < 9'999 ? "," : "]}");
  EXPECT_EQ(FilteredLogEvents::read(many).value().events.size(), 10'000u);
}

TEST(Utf8Repair, LeavesPairsAndEscapedBackslashesAlone) {
  EXPECT_EQ(replace_lone_surrogates(R"(\ud83d\ude00 \\\ud800 \n \u00e9)"),
            R"(\ud83d\ude00 \\\ufffd \n \u00e9)");
  EXPECT_EQ(replace_lone_surrogates(R"(\\ud800)"), R"(\\ud800)");
  EXPECT_EQ(replace_lone_surrogates("\\"), "\\");
  EXPECT_EQ(replace_lone_surrogates(R"(\ud800)"), R"(\ufffd)");
}

class LogsTest : public AwsClientFixture {
 protected:
  std::unique_ptr<Logs> logs = make_logs(caller);
  Credentials credentials{"AKIABASE", SecretString{"base-secret"}, SecretString{}, std::nullopt};
  Region region = Region::parse("eu-central-1").value();
  FilterLogEventsRequest request{.group_arn = "arn:aws:logs:eu-central-1:111111111111:log-group:/a/b",
                                 .start_ms = 1,
                                 .end_ms = 2,
                                 .next_token = "t"};
  AwsResult<FilterLogEventsAnswer> filter() {
    return loop.run_through_time(logs->filter_log_events(request, region, credentials));
  }
};

TEST_F(LogsTest, AsksForTheGroupByItsArnAndGivesAwsTime) {
  transport.then(200, R"({"events":[]})", {{"date", "Sun, 06 Nov 1994 08:49:37 GMT"}});
  const auto answer = filter();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer.value().date, std::chrono::sys_seconds{std::chrono::seconds{784111777}});
  EXPECT_EQ(
      transport.requests.front().body,
      R"({"logGroupIdentifier":"arn:aws:logs:eu-central-1:111111111111:log-group:/a/b","startTime":1,"endTime":2,"limit":10000,"nextToken":"t"})");
}

TEST_F(LogsTest, AnAnswerWithoutATimeIsNoAnswer) {
  transport.then(200, R"({"events":[]})");
  EXPECT_EQ(filter().error().code, "MalformedResponse");
}

TEST_F(LogsTest, TellsErrorsApartByTypeWhateverTheStatus) {
  caller.retry.attempts_max = 1;
  logs = make_logs(caller);
  const std::pair<const char*, AwsErrorClass> cases[] = {
      {"ThrottlingException", AwsErrorClass::throttled},
      {"ResourceNotFoundException", AwsErrorClass::not_found},
      {"InvalidParameterException", AwsErrorClass::invalid_request},
      {"AccessDeniedException", AwsErrorClass::access_denied},
      {"ExpiredTokenException", AwsErrorClass::caller_credentials},
      {"ServiceUnavailableException", AwsErrorClass::unavailable},
      {"InvalidOperationException", AwsErrorClass::other},
  };
  for (const auto& [type, error_class] : cases) {
    transport.then(400, std::string{R"({"__type":"com.amazonaws.logs#)"} + type + R"(","message":"m"})");
    const auto answer = filter();
    EXPECT_EQ(answer.error().code, type);
    EXPECT_EQ(answer.error().error_class, error_class) << type;
  }
}

TEST_F(LogsTest, ListsGroupsWithTheArnWithoutItsStar) {
  transport.then(
      200,
      R"({"logGroups":[{"logGroupName":"/a","arn":"arn:x:/a:*","creationTime":5,"logGroupClass":"INFREQUENT_ACCESS"}],"nextToken":"n"})",
      {{"date", "Sun, 06 Nov 1994 08:49:37 GMT"}});
  const auto page = loop.run_through_time(logs->describe_log_groups("/a", "", region, credentials));
  ASSERT_TRUE(page.has_value());
  EXPECT_EQ(page.value().groups.at(0).arn, "arn:x:/a");
  EXPECT_EQ(page.value().groups.at(0).created_ms, 5);
  EXPECT_EQ(page.value().groups.at(0).log_class, "INFREQUENT_ACCESS");
  EXPECT_EQ(page.value().next_token, "n");
  transport.then(200, R"({"logGroups":[{"logGroupName":"/a","arn":"arn:x:/a:*"}]})");
  EXPECT_FALSE(loop.run_through_time(logs->describe_log_groups("", "", region, credentials)).has_value());
}

}  // namespace
}  // namespace deputy::aws
