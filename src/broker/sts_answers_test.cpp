#include "support/broker_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sstream>
#include <tuple>

#include "broker/broker.hpp"

// What the broker makes of what STS says, and of what it may ask STS for.
namespace deputy::broker {
namespace {

using registry::KeyRole;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

class StsAnswers : public OneCustomerFixture {};

TEST_F(StsAnswers, ADenialIsRememberedForTheVeryRequestAndAWhile) {
  fail_sts(FakeSts::denial());
  EXPECT_EQ(kind(issue(collector, acme.id)), ErrorKind::role_denied);
  EXPECT_EQ(kind(issue(collector, acme.id)), ErrorKind::role_denied);
  EXPECT_EQ(sts.assume_role_calls.size(), 1U);
  const auto reporter = workload("reporter", {everything()});
  std::ignore = issue(reporter, acme.id);
  EXPECT_EQ(sts.assume_role_calls.size(), 2U);
  std::ignore = issue(collector, acme.id, {.tags = {{"a", "1"}}});
  EXPECT_EQ(sts.assume_role_calls.size(), 3U);
  pass_time(seconds{10});
  std::ignore = issue(collector, acme.id);
  EXPECT_EQ(sts.assume_role_calls.size(), 4U);
}

TEST_F(StsAnswers, ARevocationForgetsTheDenialToo) {
  const auto answer = sts.on_assume_role;
  fail_sts(FakeSts::denial());
  std::ignore = issue(collector, acme.id);
  sts.on_assume_role = answer;
  broker->revoke(acme.id);
  EXPECT_TRUE(issue(collector, acme.id));
}

TEST_F(StsAnswers, TroubleIsNotRemembered) {
  const auto answer = sts.on_assume_role;
  fail_sts(FakeSts::throttle());
  const auto throttled = issue(collector, acme.id);
  EXPECT_EQ(kind(throttled), ErrorKind::upstream_throttled);
  EXPECT_TRUE(throttled.error().retry_after.has_value());
  sts.on_assume_role = answer;
  pass_time(seconds{1});  // the throttle emptied the bucket
  EXPECT_TRUE(issue(collector, acme.id));
}

TEST_F(StsAnswers, TellsStssErrorsApartWithoutItsWords) {
  using enum aws::AwsErrorClass;
  const std::vector<std::pair<aws::AwsError, ErrorKind>> all = {
      {FakeSts::denial(), ErrorKind::role_denied},
      {FakeSts::throttle(), ErrorKind::upstream_throttled},
      {FakeSts::no_answer(), ErrorKind::upstream_unavailable},
      {FakeSts::error(caller_credentials, 403, "ExpiredToken"), ErrorKind::upstream_unavailable},
      {FakeSts::error(region_disabled, 403, "RegionDisabledException"), ErrorKind::upstream_unavailable},
      {FakeSts::error(invalid_request, 400, "PackedPolicyTooLarge"), ErrorKind::invalid_request},
      {FakeSts::error(invalid_request, 400, "MalformedPolicyDocument"), ErrorKind::invalid_request},
      {FakeSts::error(invalid_request, 400, "ValidationError"), ErrorKind::invalid_request},
      {FakeSts::error(other, 418, "Teapot"), ErrorKind::upstream_unavailable},
      {FakeSts::error(access_denied, 403, "Blocked"), ErrorKind::upstream_unavailable},
  };
  for (const auto& [error, expected] : all) {
    fail_sts(error);
    broker->revoke(acme.id);
    pass_time(seconds{1});
    const auto issued = issue(collector, acme.id, {.tags = {{"a", "1"}}});
    EXPECT_EQ(kind(issued), expected) << error.code;
    EXPECT_THAT(issued.error().message, Not(HasSubstr("scripted"))) << error.code;
    EXPECT_THAT(issued.error().message, Not(HasSubstr("arn:"))) << error.code;
    EXPECT_THAT(issued.error().detail, Not(HasSubstr("scripted"))) << "the log has no words of STS either";
  }
}

TEST_F(StsAnswers, ARegionThatIsNotEnabledIsTheCallersMistake) {
  fail_sts(FakeSts::error(aws::AwsErrorClass::region_disabled, 403, "RegionDisabledException"));
  for (int i = 0; i < 3; ++i) {
    const auto issued = issue(collector, acme.id, {.region = Region::parse("me-south-1").value()});
    EXPECT_EQ(kind(issued), ErrorKind::invalid_request);
    EXPECT_EQ(issued.error().field, "region");
  }
  EXPECT_EQ(sts.assume_role_calls.size(), 1U);
  // The configured one, named or not, is the operator's to mend.
  EXPECT_EQ(kind(issue(collector, acme.id)), ErrorKind::upstream_unavailable);
  EXPECT_EQ(kind(issue(collector, acme.id, {.region = Region::parse("eu-central-1").value()})),
            ErrorKind::upstream_unavailable);
}

TEST_F(StsAnswers, WhatStsDoesNotTakeAndNobodyKnowsWhyIsNotAskedForAgainAtOnce) {
  const auto answer = sts.on_assume_role;
  fail_sts(FakeSts::error(aws::AwsErrorClass::invalid_request, 400, "ValidationError"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(kind(issue(collector, acme.id)), ErrorKind::upstream_unavailable);
  EXPECT_EQ(sts.assume_role_calls.size(), 1U);
  sts.on_assume_role = answer;
  EXPECT_TRUE(issue(collector, acme.id, {.session_name = "other"}));  // another request is not locked out
  pass_time(seconds{10});
  EXPECT_TRUE(issue(collector, acme.id));
}

TEST_F(StsAnswers, WithoutBaseCredentialsTheOperatorHasToLook) {
  base.broken = true;
  EXPECT_EQ(kind(issue(collector, acme.id)), ErrorKind::upstream_unavailable);
  EXPECT_TRUE(sts.assume_role_calls.empty());
}

// The caller sent no policy: it is told whose it is, and the operator's log too.
TEST_F(StsAnswers, AForcedPolicyThatAwsDoesNotTakeIsTheGrantsFault) {
  auto grant = everything();
  grant.session_policy =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]})";
  const auto narrow = workload("narrow", {grant});
  std::ostringstream log;
  const auto usual = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  for (const char* code : {"PackedPolicyTooLarge", "MalformedPolicyDocument", "ValidationError"}) {
    fail_sts(FakeSts::error(aws::AwsErrorClass::invalid_request, 400, code));
    broker->revoke(acme.id);
    sts.assume_role_calls.clear();
    for (int i = 0; i < 3; ++i) {
      const auto issued = issue(narrow, acme.id);
      EXPECT_EQ(kind(issued), ErrorKind::forbidden) << code;
      EXPECT_THAT(issued.error().message, HasSubstr("grants[0] of the workload `narrow`")) << code;
      EXPECT_EQ(issued.error().field, "") << code;
    }
    EXPECT_EQ(sts.assume_role_calls.size(), 1U) << "remembered: " << code;
    EXPECT_THAT(log.str(), HasSubstr("grants[0] of the workload `narrow`"));
    EXPECT_THAT(log.str(), HasSubstr(code));
  }
  spdlog::set_default_logger(usual);
  // Tags are the caller's own.
  fail_sts(FakeSts::error(aws::AwsErrorClass::invalid_request, 400, "PackedPolicyTooLarge"));
  const auto tagged = issue(narrow, acme.id, {.tags = {{"a", "1"}}});
  EXPECT_EQ(kind(tagged), ErrorKind::invalid_request);
  EXPECT_EQ(tagged.error().field, "tags");
  EXPECT_THAT(tagged.error().message, HasSubstr("grants[0]"));
  EXPECT_EQ(issue(collector, acme.id, {.session_policy = grant.session_policy}).error().field,
            "session_policy");
}

TEST_F(StsAnswers, SessionsOfAnotherRoleAreThrownAwayAndOnRecord) {
  for (const char* other :
       {"arn:aws:iam::999999999999:role/reader", "arn:aws:iam::200000000001:role/admin"}) {
    const RoleArn lie = RoleArn::parse(other).value();
    sts.on_assume_role = [this,
                          lie](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
      auto answer = FakeSts::session(call.request, clock().now() + std::chrono::hours{1});
      answer.assumed_role_arn = FakeSts::session_arn(lie, call.request.session_name);
      return answer;
    };
    EXPECT_EQ(kind(issue(collector, acme.id)), ErrorKind::upstream_unavailable);
  }
  settle();
  EXPECT_TRUE(issuances(acme.id).empty());
  EXPECT_EQ(broker->counts().entries, 0U);
  const auto refused = journal_entries("credentials.refused");
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_THAT(refused[0].detail, HasSubstr("session of another role"));
}

TEST_F(StsAnswers, HalfAnAnswerIsNone) {
  const std::vector<std::function<void(aws::Credentials&)>> spoil = {
      [](aws::Credentials& c) { c.access_key_id.clear(); },
      [](aws::Credentials& c) { c.secret_access_key = SecretString{}; },
      [](aws::Credentials& c) { c.session_token = SecretString{}; },
      [](aws::Credentials& c) { c.expires_at.reset(); },
      [this](aws::Credentials& c) { c.expires_at = clock().now() + minutes{14}; },
      [this](aws::Credentials& c) { c.expires_at = clock().now() - minutes{1}; },
      [this](aws::Credentials& c) { c.expires_at = clock().now() + minutes{66}; },  // an hour was asked for
      [this](aws::Credentials& c) { c.expires_at = clock().now() + std::chrono::years{7'000}; },
      [](aws::Credentials& c) { c.access_key_id = "ASIASHORT"; },
      [](aws::Credentials& c) { c.access_key_id = std::string(129, 'A'); },
      [](aws::Credentials& c) { c.access_key_id = "ASIAFAKE0000000\n"; },
      [](aws::Credentials& c) { c.secret_access_key = SecretString{"two words"}; },
      [](aws::Credentials& c) { c.session_token = SecretString{"quoted\""}; },
      [](aws::Credentials& c) { c.session_token = SecretString{std::string(8'193, 't')}; },
  };
  for (const auto& each : spoil) {
    pass_time(seconds{1});  // within the connection's part of the quota
    sts.on_assume_role = [&](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
      auto answer = FakeSts::session(call.request, clock().now() + std::chrono::hours{1});
      each(answer.credentials);
      return answer;
    };
    EXPECT_EQ(kind(issue(collector, acme.id)), ErrorKind::upstream_unavailable);
  }
}

TEST_F(StsAnswers, OneConnectionsMissesDoNotTakeTheQuotaOfOthers) {
  start_broker({.region = Region::parse("eu-central-1").value(), .sts_rate = 20});
  const auto globex = connect("Globex");
  std::vector<std::unique_ptr<Ongoing>> noisy;
  for (int i = 0; i < 40; ++i)
    noisy.push_back(begin(request(collector, acme.id, {.session_name = "job-" + std::to_string(i)})));
  settle();
  EXPECT_LE(sts.assume_role_calls.size(), 2U);
  EXPECT_TRUE(issue(collector, globex.id));
  loop.advance(seconds{3});
  std::size_t refused = 0;
  for (const auto& each : noisy) {
    const auto issued = end(*each);
    if (!issued) {
      ++refused;
      EXPECT_EQ(issued.error().kind, ErrorKind::upstream_throttled);
      EXPECT_THAT(issued.error().message, HasSubstr("its share of credentials.sts_rate"));
      EXPECT_EQ(issued.error().retry_after, seconds{3});  // two that went and four that wait, at two a second
    }
  }
  EXPECT_GE(refused, 30U);
  EXPECT_EQ(broker->counts().share_refusals, refused);
  EXPECT_EQ(broker->counts().share_waits, 4U);
  EXPECT_EQ(broker->counts().quota_refusals, 0U);
}

TEST_F(StsAnswers, AConnectionHasTwoCallsASecondWhereATenthIsLess) {
  for (const auto& [rate, at_once] : {std::pair{5.0, 2U}, {2.0, 2U}, {1.0, 1U}, {40.0, 4U}}) {
    start_broker({.region = Region::parse("eu-central-1").value(), .sts_rate = rate});
    sts.assume_role_calls.clear();
    std::vector<std::unique_ptr<Ongoing>> asked;
    for (int i = 0; i < 5; ++i)
      asked.push_back(begin(request(collector, acme.id, {.session_name = "job-" + std::to_string(i)})));
    settle();
    EXPECT_EQ(sts.assume_role_calls.size(), at_once) << rate;
    loop.advance(seconds{5});
    for (const auto& each : asked) std::ignore = end(*each);
  }
}

}  // namespace
}  // namespace deputy::broker
