#include "broker/broker.hpp"

#include "support/broker_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <latch>
#include <set>
#include <tuple>

namespace deputy::broker {
namespace {

using registry::IssuanceSource;
using registry::KeyRole;
using registry::VerificationOutcome;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

class BrokerTest : public OneCustomerFixture {
 protected:
  std::string key_id(const Issued& issued) {
    EXPECT_TRUE(issued) << issued.error().message;
    return issued ? issued.value().credentials->access_key_id : "";
  }
  // A hit whose record is durable while the caller has not been told yet: the loop stands still.
  std::unique_ptr<Ongoing> recorded_hit(const registry::Key& key) {
    issue(key, acme.id).value();
    std::latch released{1}, written{1};
    EXPECT_TRUE(pool.try_post([&] { released.wait(); }));
    auto ongoing = begin(request(key, acme.id));
    while (broker->counts().hits == 0) loop.run_ready();
    loop.run_ready();
    EXPECT_TRUE(pool.try_post([&] { written.count_down(); }));
    released.count_down();
    written.wait();
    EXPECT_EQ(issuances(acme.id).size(), 2U);
    return ongoing;
  }
  registry::Key made_with(const registry::Key& maker) {
    const registry::NewKey wanted{.role = KeyRole::workload,
                                  .workload = maker.workload,
                                  .connection_id = acme.id,
                                  .expires_in = minutes{30},
                                  .made_with = maker.id};
    return registry().create_key(actor(), wanted, std::nullopt).value().value.key;
  }
};

TEST_F(BrokerTest, AsksForTheBoundRoleWithItsExternalId) {
  const auto issued = issue(collector, acme.id);
  ASSERT_TRUE(issued);
  ASSERT_EQ(sts.assume_role_calls.size(), 1U);
  const auto& asked = sts.assume_role_calls[0].request;
  EXPECT_EQ(asked.role_arn, *acme.role_arn);
  EXPECT_EQ(asked.external_id, acme.external_id);
  EXPECT_EQ(asked.session_name.text(), acme.id.text() + "@collector");
  EXPECT_EQ(asked.duration, seconds{3600});
  EXPECT_FALSE(asked.session_policy.has_value());
  EXPECT_EQ(sts.assume_role_calls[0].region.text(), "eu-central-1");
  EXPECT_EQ(issued.value().account_id, acme.role_arn->account());
  EXPECT_EQ(issued.value().issuance.session_name, asked.session_name.text());
}

TEST_F(BrokerTest, EveryHandOutIsOnRecord) {
  EXPECT_EQ(key_id(issue(collector, acme.id, {.reason = "nightly run"})), "ASIAFAKE00000001");
  EXPECT_EQ(key_id(issue(collector, acme.id)), "ASIAFAKE00000001");
  const auto recorded = issuances(acme.id);
  ASSERT_EQ(recorded.size(), 2U);
  const auto& first = recorded[0].reason ? recorded[0] : recorded[1];
  const auto& second = recorded[0].reason ? recorded[1] : recorded[0];
  EXPECT_EQ(first.source, IssuanceSource::sts);
  EXPECT_EQ(first.reason, "nightly run");
  EXPECT_EQ(first.workload, "collector");
  EXPECT_EQ(first.access_key_id, "ASIAFAKE00000001");
  EXPECT_EQ(second.source, IssuanceSource::cache);
  EXPECT_EQ(journal_entries("credentials.issued").size(), 2U);
  EXPECT_EQ(sts.assume_role_calls.size(), 1U);
}

TEST_F(BrokerTest, MissesJoinOneCall) {
  gate.close();
  std::vector<std::unique_ptr<Ongoing>> requests;
  for (int i = 0; i < 10; ++i) requests.push_back(begin(request(collector, acme.id)));
  settle();
  gate.open();
  for (const auto& each : requests) EXPECT_EQ(key_id(end(*each)), "ASIAFAKE00000001");
  EXPECT_EQ(sts.assume_role_calls.size(), 1U);
  std::size_t from_sts = 0;
  for (const auto& each : issuances(acme.id)) from_sts += each.source == IssuanceSource::sts ? 1 : 0;
  EXPECT_EQ(from_sts, 1U);
  EXPECT_EQ(broker->counts().joins, 9U);
}

TEST_F(BrokerTest, HaltedItGivesNothingOutToNobody) {
  ASSERT_TRUE(issue(collector, acme.id));
  gate.close();
  const auto fetching = begin(request(collector, acme.id, {.duration = seconds{1800}}));
  settle();
  broker->halt();
  gate.open();
  EXPECT_EQ(kind(end(*fetching)), ErrorKind::internal);
  EXPECT_EQ(kind(issue(collector, acme.id)), ErrorKind::internal);
  EXPECT_EQ(kind(issue(key(KeyRole::admin), acme.id)), ErrorKind::internal);
  EXPECT_EQ(broker->counts().entries, 0U);
}

TEST_F(BrokerTest, WhatDiffersInAnythingIsAnotherSession) {
  const std::string policy =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]})";
  std::set<std::string> seen;
  const std::vector<CredentialOptions> all = {
      {},
      {.duration = seconds{1800}},
      {.session_policy = policy},
      {.session_policy = policy + " "},
      {.tags = {{"team", "a"}}},
      {.tags = {{"team", "b"}}},
      {.tags = {{"teama", ""}}},
      {.session_name = "job-1"},
      {.session_name = "job-2"},
      {.source_identity = SessionName::parse("job-1").value()},
      {.region = Region::parse("us-east-1").value()},
  };
  for (int round = 0; round < 2; ++round)
    for (const auto& options : all) {
      pass_time(std::chrono::milliseconds{100});  // within the quota
      seen.insert(key_id(issue(collector, acme.id, options)));
    }
  EXPECT_EQ(seen.size(), all.size());
  EXPECT_EQ(sts.assume_role_calls.size(), all.size());

  const auto reporter = workload("reporter", {everything()});
  EXPECT_FALSE(seen.contains(key_id(issue(reporter, acme.id))));
  const auto globex = connect("Globex");
  EXPECT_FALSE(seen.contains(key_id(issue(collector, globex.id))));
}

TEST_F(BrokerTest, TheOrderOfTagsAndTheReasonDoNotMatter) {
  const auto first = key_id(issue(collector, acme.id, {.tags = {{"a", "1"}, {"b", "2"}}, .reason = "one"}));
  EXPECT_EQ(key_id(issue(collector, acme.id, {.tags = {{"b", "2"}, {"a", "1"}}, .reason = "two"})), first);
}

TEST_F(BrokerTest, NeverHandsOutLessThanFifteenMinutes) {
  for (int minute = 0; minute < 600; minute += 7) {
    const auto issued = issue(collector, acme.id);
    ASSERT_TRUE(issued);
    settle();
    EXPECT_GE(issued.value().credentials->expires_at.value() - clock().now(), minutes{15});
    pass_time(minutes{7});
  }
}

TEST_F(BrokerTest, RefreshesAheadBesideTheHit) {
  EXPECT_EQ(key_id(issue(collector, acme.id)), "ASIAFAKE00000001");
  pass_time(minutes{44});
  gate.close();
  EXPECT_EQ(key_id(issue(collector, acme.id)),
            "ASIAFAKE00000001");  // 16 minutes left: served without waiting
  EXPECT_EQ(gate.waiting(), 1U);
  EXPECT_EQ(key_id(issue(collector, acme.id)), "ASIAFAKE00000001");
  EXPECT_EQ(gate.waiting(), 1U);
  gate.open();
  settle();
  EXPECT_EQ(key_id(issue(collector, acme.id)), "ASIAFAKE00000002");
}

TEST_F(BrokerTest, AFailedEarlyRefreshKeepsWhatIsStillGood) {
  issue(collector, acme.id).value();
  pass_time(minutes{44});
  fail_sts(FakeSts::denial());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(key_id(issue(collector, acme.id)), "ASIAFAKE00000001");
    settle();
  }
  EXPECT_EQ(sts.assume_role_calls.size(), 2U);  // not tried again on every hit
}

TEST_F(BrokerTest, InAnOutageWhateverHasAMinuteLeftServes) {
  issue(collector, acme.id).value();
  for (const auto& outage : {FakeSts::throttle(), FakeSts::no_answer()}) {
    fail_sts(outage);
    pass_time(minutes{25});
    EXPECT_EQ(key_id(issue(collector, acme.id)), "ASIAFAKE00000001");
    settle();
  }
  fail_sts(FakeSts::denial());
  pass_time(seconds{31});
  EXPECT_EQ(kind(issue(collector, acme.id)),
            ErrorKind::role_denied);  // over nine minutes left, but that is no outage
  fail_sts(FakeSts::no_answer());
  pass_time(minutes{9} + seconds{1});
  const auto issued = issue(collector, acme.id);
  EXPECT_EQ(kind(issued), ErrorKind::upstream_unavailable);
  EXPECT_TRUE(issued.error().retry_after.has_value());
}

TEST_F(BrokerTest, APartnerOnARoleChainsForAnHourAtMost) {
  EXPECT_TRUE(issue(collector, acme.id, {.duration = seconds{43'200}}));
  base.credentials.session_token = SecretString{"token"};
  EXPECT_TRUE(issue(collector, acme.id, {.duration = seconds{3600}}));
  const auto issued = issue(collector, acme.id, {.duration = seconds{3601}});
  EXPECT_EQ(kind(issued), ErrorKind::invalid_request);
  EXPECT_EQ(issued.error().field, "duration_seconds");
}

TEST_F(BrokerTest, AForcedPolicyGoesWithEveryRequestOfItsGrant) {
  auto grant = everything();
  grant.session_policy =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]})";
  const auto narrow = workload("narrow", {grant});
  const auto stored = registry().workload(*narrow.workload).value().grants[0].session_policy;
  EXPECT_TRUE(issue(narrow, acme.id));
  EXPECT_EQ(sts.assume_role_calls.back().request.session_policy, stored);
  EXPECT_EQ(kind(issue(narrow, acme.id, {.session_policy = grant.session_policy})), ErrorKind::forbidden);
}

TEST_F(BrokerTest, AnAdminGetsCredentialsOnRecordUnderItsOwnName) {
  const auto admin = key(KeyRole::admin);
  EXPECT_TRUE(issue(admin, acme.id));
  EXPECT_EQ(sts.assume_role_calls.back().request.session_name.text(), acme.id.text() + "@admin");
  EXPECT_EQ(issuances(acme.id).at(0).workload, "admin");
  EXPECT_EQ(kind(issue(key(KeyRole::auditor), acme.id)), ErrorKind::forbidden);
  EXPECT_EQ(kind(issue(key(KeyRole::onboarding), acme.id)), ErrorKind::forbidden);
}

TEST_F(BrokerTest, WhatIsNotCoveredIsNotThere) {
  const auto globex = connect("Globex");
  const auto narrow = workload("narrow", {registry::Grant{.tenants = std::vector{globex.tenant_id}}});
  EXPECT_TRUE(issue(narrow, globex.id));
  const auto foreign = issue(narrow, acme.id);
  const auto made_up = ConnectionId::draw(seeded);
  const auto missing = issue(narrow, made_up);
  EXPECT_EQ(kind(foreign), ErrorKind::not_found);
  EXPECT_EQ(kind(missing), ErrorKind::not_found);
  EXPECT_EQ(foreign.error().message, "there is no connection `" + acme.id.text() + "`");
  EXPECT_EQ(missing.error().message, "there is no connection `" + made_up.text() + "`");
}

TEST_F(BrokerTest, RefusalsAreOnRecordOnceAMinute) {
  const auto narrow = workload("narrow", {registry::Grant{}});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(kind(issue(narrow, acme.id, {.tags = {{"a", "1"}}})), ErrorKind::forbidden);
    EXPECT_EQ(kind(issue(narrow, ConnectionId::draw(seeded))), ErrorKind::not_found);
  }
  settle();
  EXPECT_EQ(journal_entries("credentials.refused").size(), 2U);
  pass_time(minutes{1});
  std::ignore = issue(narrow, acme.id, {.tags = {{"a", "1"}}});
  settle();
  EXPECT_EQ(journal_entries("credentials.refused").size(), 3U);
}

TEST_F(BrokerTest, AnExpiredVerificationEndsTheCacheToo) {
  EXPECT_TRUE(issue(collector, acme.id, {.duration = seconds{43'200}}));
  start_broker({.region = Region::parse("eu-central-1").value(), .verification_max_age = minutes{30}});
  EXPECT_TRUE(issue(collector, acme.id));
  pass_time(minutes{31});
  EXPECT_EQ(kind(issue(collector, acme.id)), ErrorKind::verification_expired);
}

TEST_F(BrokerTest, ASuspendedConnectionGivesNothingEvenFromTheCache) {
  EXPECT_TRUE(issue(collector, acme.id));
  pass_time(std::chrono::hours{24});
  EXPECT_EQ(verify_due(VerificationOutcome::failed).state, registry::ConnectionState::suspended);
  EXPECT_EQ(kind(issue(collector, acme.id)), ErrorKind::connection_not_active);
}

TEST_F(BrokerTest, AfterRevocationNothingCachedLeaves) {
  EXPECT_EQ(key_id(issue(collector, acme.id)), "ASIAFAKE00000001");
  broker->revoke(acme.id);
  EXPECT_EQ(broker->counts().entries, 0U);
  EXPECT_EQ(key_id(issue(collector, acme.id)), "ASIAFAKE00000002");
  broker->revoke(*collector.workload);
  EXPECT_EQ(key_id(issue(collector, acme.id)), "ASIAFAKE00000003");
}

TEST_F(BrokerTest, WhatIsInFlightForARevokedConnectionIsThrownAway) {
  gate.close();
  const auto ongoing = begin(request(collector, acme.id));
  settle();
  ASSERT_EQ(gate.waiting(), 1U);
  broker->revoke(acme.id);  // say, a rotation was promoted: still active, but under other terms
  gate.open();
  EXPECT_EQ(key_id(end(*ongoing)), "ASIAFAKE00000002");
  for (const auto& each : issuances(acme.id)) EXPECT_NE(each.access_key_id, "ASIAFAKE00000001");
}

TEST_F(BrokerTest, WhatIsInFlightForADisconnectedConnectionIsThrownAway) {
  gate.close();
  const auto ongoing = begin(request(collector, acme.id));
  settle();
  ASSERT_TRUE(registry().disconnect(actor(), acme.id));
  broker->revoke(acme.id);
  gate.open();
  EXPECT_EQ(kind(end(*ongoing)), ErrorKind::connection_disconnected);
  EXPECT_TRUE(issuances(acme.id).empty());
  EXPECT_EQ(broker->counts().entries, 0U);
}

TEST_F(BrokerTest, TheRecordSeesAChangeThatNobodyToldTheBroker) {
  gate.close();
  const auto ongoing = begin(request(collector, acme.id));
  settle();
  ASSERT_TRUE(registry().disconnect(actor(), acme.id));
  gate.open();
  EXPECT_EQ(kind(end(*ongoing)), ErrorKind::connection_disconnected);
  EXPECT_TRUE(issuances(acme.id).empty());
}

TEST_F(BrokerTest, AHitIsWithheldWhenItIsRevokedWhileItsRecordIsWritten) {
  issue(collector, acme.id).value();
  const auto ongoing = begin(request(collector, acme.id));
  // The pool's thread reads the connection, then stands still before it writes the record.
  std::latch released{1};
  ASSERT_TRUE(pool.try_post([&] { released.wait(); }));
  while (broker->counts().hits == 0) loop.run_ready();
  broker->revoke(acme.id);
  released.count_down();
  EXPECT_EQ(key_id(end(*ongoing)), "ASIAFAKE00000002");
}

TEST_F(BrokerTest, AWorkloadsRevocationStopsWhatIsInFlight) {
  gate.close();
  const auto ongoing = begin(request(collector, acme.id));
  settle();
  ASSERT_TRUE(registry().put_workload(actor(), {*collector.workload, {}}));
  broker->revoke(*collector.workload);
  gate.open();
  EXPECT_EQ(kind(end(*ongoing)), ErrorKind::not_found);
}

TEST_F(BrokerTest, ARevokedKeysRequestUnderWayIsWithheld) {
  gate.close();
  const auto ongoing = begin(request(collector, acme.id));
  settle();
  ASSERT_TRUE(registry().revoke_key(actor(), collector.id));
  broker->revoke(collector.id);
  gate.open();
  EXPECT_EQ(kind(end(*ongoing)), ErrorKind::unauthorized);
  EXPECT_TRUE(issuances(acme.id).empty());
}

TEST_F(BrokerTest, AHitIsWithheldWhenItsKeyIsRevokedWhileItsRecordIsWritten) {
  issue(collector, acme.id).value();
  const auto ongoing = begin(request(collector, acme.id));
  while (broker->counts().hits == 0) loop.run_ready();
  settle();  // the record is written, its answer is on the way
  ASSERT_TRUE(registry().revoke_key(actor(), collector.id));
  EXPECT_TRUE(end(*ongoing));  // before the revocation was told
  EXPECT_EQ(kind(issue(collector, acme.id)), ErrorKind::unauthorized);
}

TEST_F(BrokerTest, WhatIsOnRecordAndNotOutYetIsWithheldWhenItsKeyIsRevoked) {
  const auto ongoing = recorded_hit(collector);
  ASSERT_TRUE(registry().revoke_key(actor(), collector.id));
  broker->revoke(collector.id);
  EXPECT_EQ(kind(end(*ongoing)), ErrorKind::unauthorized);
}

TEST_F(BrokerTest, WhatIsOnRecordAndNotOutYetIsWithheldWhenItsKeysMakerIsRevoked) {
  const auto ongoing = recorded_hit(made_with(collector));
  ASSERT_TRUE(registry().revoke_key(actor(), collector.id));
  broker->revoke(collector.id);
  EXPECT_EQ(kind(end(*ongoing)), ErrorKind::unauthorized);
}

TEST_F(BrokerTest, WhatIsOnRecordAndNotOutYetIsWithheldWhenItsGrantIsRemoved) {
  const auto ongoing = recorded_hit(collector);
  ASSERT_TRUE(registry().put_workload(actor(), {*collector.workload, {}}));
  broker->revoke(*collector.workload);
  EXPECT_EQ(kind(end(*ongoing)), ErrorKind::not_found);
}

TEST_F(BrokerTest, AKeyIsWorthNothingOnceItsMakerIsRevokedEvenUnderWay) {
  const auto made = made_with(collector);
  ASSERT_TRUE(issue(made, acme.id));
  gate.close();
  const auto ongoing = begin(request(made, acme.id, {.duration = seconds{1800}}));
  settle();
  ASSERT_TRUE(registry().revoke_key(actor(), collector.id));
  gate.open();
  EXPECT_EQ(kind(end(*ongoing)), ErrorKind::unauthorized);
  EXPECT_EQ(kind(issue(made, acme.id)), ErrorKind::unauthorized);
}

TEST_F(BrokerTest, AnAdminsSessionIsNoWorkloads) {
  for (const char* name : {"admin", "verify"}) {
    const auto reserved = WorkloadName::parse(name).value();
    const auto refused = registry().put_workload(actor(), {reserved, {everything()}});
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid_request);
    // Nor is one that stood in the database before the name was reserved.
    auto old = collector;
    old.workload = reserved;
    EXPECT_EQ(kind(issue(old, acme.id)), ErrorKind::forbidden);
  }
  EXPECT_TRUE(sts.assume_role_calls.empty());
}

TEST_F(BrokerTest, AClockThatIsSetForwardStopsIssuingAndSetRightItGoesOn) {
  const Timestamp right_now = clock().now();
  EXPECT_EQ(key_id(issue(collector, acme.id)), "ASIAFAKE00000001");
  sts.on_assume_role = [&](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
    return FakeSts::session(call.request, right_now + call.request.duration, 2);  // STS's clock is right
  };
  clock().jump(std::chrono::hours{2});
  EXPECT_EQ(kind(issue(collector, acme.id)), ErrorKind::upstream_unavailable);
  clock().jump(-std::chrono::hours{2});
  EXPECT_EQ(key_id(issue(collector, acme.id)), "ASIAFAKE00000001");
}

TEST_F(BrokerTest, AClockThatIsSetBackDoesNotStretchASession) {
  EXPECT_TRUE(issue(collector, acme.id));
  const Timestamp right_now = clock().now();
  clock().jump(-std::chrono::hours{2});
  sts.on_assume_role = [&](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
    return FakeSts::session(call.request, right_now + call.request.duration, 2);
  };
  EXPECT_EQ(kind(issue(collector, acme.id, {.duration = seconds{1800}})), ErrorKind::upstream_unavailable);
}

TEST_F(BrokerTest, AClockThatIsSetBackRevivesNothing) {
  issue(collector, acme.id).value();
  pass_time(minutes{61});
  clock().jump(-minutes{60});
  EXPECT_EQ(key_id(issue(collector, acme.id)), "ASIAFAKE00000002");
}

TEST_F(BrokerTest, ARegionOfAnotherPartitionIsRefused) {
  const auto issued = issue(collector, acme.id, {.region = Region::parse("cn-north-1").value()});
  EXPECT_EQ(kind(issued), ErrorKind::invalid_request);
  EXPECT_EQ(issued.error().field, "region");
}

}  // namespace
}  // namespace deputy::broker
