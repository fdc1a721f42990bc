#include "support/broker_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/broker.hpp"

namespace deputy::broker {
namespace {

using testing::HasSubstr;
using testing::Not;

class LogCredentials : public OneCustomerFixture {
 protected:
  const Region ireland = Region::parse("eu-west-1").value();
};

TEST_F(LogCredentials, WhatTheLogCollectorGetsReadsLogsAndNothingElse) {
  const auto issued = loop.run(broker->issue_for_logs(acme.id, ireland));
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_EQ(issued.value().account_id, acme.role_arn->account());
  ASSERT_EQ(sts.assume_role_calls.size(), 1U);
  const auto& asked = sts.assume_role_calls[0];
  EXPECT_EQ(asked.region, ireland);
  EXPECT_EQ(asked.request.external_id, acme.external_id);
  EXPECT_EQ(asked.request.session_name.text(), acme.id.text() + "@logs");
  ASSERT_TRUE(asked.request.session_policy.has_value());
  EXPECT_THAT(*asked.request.session_policy, HasSubstr("logs:FilterLogEvents"));
  EXPECT_THAT(*asked.request.session_policy, HasSubstr("logs:DescribeLogGroups"));
  EXPECT_THAT(*asked.request.session_policy, Not(HasSubstr("*\",\"Resource")));
  const auto recorded = issuances(acme.id);
  ASSERT_EQ(recorded.size(), 1U);
  EXPECT_EQ(recorded[0].workload, "logs");
  // Nobody else is given that session, nor the collector another's.
  const auto others = issue(collector, acme.id, {.region = ireland});
  ASSERT_TRUE(others);
  EXPECT_NE(others.value().credentials->access_key_id, issued.value().credentials->access_key_id);
}

TEST_F(LogCredentials, TheLogCollectorGetsNothingOfAConnectionThatIsNotActive) {
  const auto stays = connect("Globex");
  bool told = false;
  broker->on_revoked([&](const std::optional<ConnectionId>& connection) { told = connection == acme.id; });
  ASSERT_TRUE(loop.run(broker->issue_for_logs(acme.id, ireland)));
  ASSERT_TRUE(registry().disconnect(actor(), acme.id));
  broker->revoke(acme.id);
  EXPECT_TRUE(told);
  EXPECT_EQ(loop.run(broker->issue_for_logs(acme.id, ireland)).error().kind,
            ErrorKind::connection_disconnected);
  EXPECT_TRUE(loop.run(broker->issue_for_logs(stays.id, ireland)));
  broker->halt();
  EXPECT_EQ(loop.run(broker->issue_for_logs(stays.id, ireland)).error().kind, ErrorKind::internal);
  broker->on_revoked({});
}

}  // namespace
}  // namespace deputy::broker
