#include "webhooks/delivery.hpp"

#include "support/fake_random.hpp"
#include "support/fake_transport.hpp"
#include "support/manual_loop.hpp"
#include "support/registry_fixture.hpp"
#include "webhooks/signature.hpp"

#include <gtest/gtest.h>

namespace deputy::webhooks {
namespace {

using namespace std::chrono_literals;

class DeliveryTest : public RegistryFixture {
 protected:
  void TearDown() override { loop.run(delivery->stop()); }
  // Settled, so that its first look is over before a test claims anything itself.
  DeliveryTest() {
    restart();
    settle();
  }

  void restart() {
    if (delivery) loop.run(delivery->stop());
    delivery = std::make_unique<Delivery>(
        loop, clock(), seeded, pool, registry(), transport,
        DeliverySettings{.url = "https://partner.example/hook",
                         .secrets = parse_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").value()});
    delivery->start();
  }
  void settle() {
    for (int turn = 0; turn < 12; ++turn)
      loop.run(run_on(pool, loop, [] { return Result<void>{success()}; })).assume_value();
    loop.run_ready();
  }
  void pass_time(std::chrono::milliseconds by) {
    loop.advance(by, [this] { settle(); });
  }
  // Passes the time until the next event is due, and returns how long that was.
  std::chrono::milliseconds pass_until_due() {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(due().value() - clock().now());
    pass_time(wait + 1ms);
    return wait;
  }
  ConnectionId disconnect_one() {
    const auto connection = make_connection(make_tenant("Acme"));
    EXPECT_TRUE(registry().disconnect(actor(), connection.id));
    return connection.id;
  }
  std::optional<Timestamp> due() { return registry().earliest_webhook_due().value(); }

  ManualLoop loop{clock()};
  SeededRandom seeded;
  WorkPool pool{{.threads = 1}};
  FakeTransport transport;
  std::unique_ptr<Delivery> delivery;
};

TEST_F(DeliveryTest, SendsWhatWaitsSignedAndForgetsIt) {
  transport.then(204, "");
  const auto id = disconnect_one();
  delivery->wake();
  settle();
  ASSERT_EQ(transport.requests.size(), 1U);
  const aws::HttpRequest& sent = transport.requests.front();
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.url, "https://partner.example/hook");
  EXPECT_NE(sent.body.find(id.text()), std::string::npos);
  EXPECT_EQ(header_of(sent, "webhook-timestamp"), timestamp_text(clock().now()));
  EXPECT_EQ(header_of(sent, "webhook-signature"),
            signatures(parse_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").value(),
                       header_of(sent, "webhook-id"), clock().now(), sent.body));
  EXPECT_FALSE(due());
}

TEST_F(DeliveryTest, TriesAgainLaterAndLaterUntilItIsTaken) {
  disconnect_one();
  delivery->wake();
  settle();
  ASSERT_EQ(transport.requests.size(), 1U);
  const auto first = pass_until_due();
  EXPECT_GE(first, 2500ms);
  EXPECT_LE(first, 5s);
  ASSERT_EQ(transport.requests.size(), 2U);
  transport.then(500, "");
  const auto second = pass_until_due();
  EXPECT_GE(second, 4900ms);
  EXPECT_LE(second, 10s);
  ASSERT_EQ(transport.requests.size(), 3U);
  transport.then(200, "ok");
  const auto third = pass_until_due();
  EXPECT_GE(third, 9900ms);
  EXPECT_LE(third, 20s);
  ASSERT_EQ(transport.requests.size(), 4U);
  EXPECT_EQ(header_of(transport.requests[3], "webhook-id"), header_of(transport.requests[0], "webhook-id"));
  EXPECT_EQ(transport.requests[3].body, transport.requests[0].body);
  EXPECT_FALSE(due());
  const auto& counts = registry().webhook_counts();
  EXPECT_EQ(counts.unanswered, 2U);
  EXPECT_EQ(counts.refused, 1U);
  EXPECT_EQ(counts.taken, 1U);
}

// Threat 30: an answer cannot send Deputy elsewhere.
TEST_F(DeliveryTest, ARedirectIsNoDeliveryAndIsNotFollowed) {
  transport.then(302, "", {{"location", "http://169.254.169.254/latest/meta-data/"}});
  disconnect_one();
  delivery->wake();
  settle();
  ASSERT_EQ(transport.requests.size(), 1U);
  EXPECT_TRUE(due());
}

TEST_F(DeliveryTest, KeepsTheOrderWithinAConnectionAndLetsOthersPass) {
  const auto connection = make_connection(make_tenant("Acme"));
  ASSERT_TRUE(registry().set_role(actor(), connection.id,
                                  RoleArn::parse("arn:aws:iam::222222222222:role/reader").value()));
  const auto due_now = registry().claim_due(10, 10min).value();
  for (const auto& task : due_now) {
    registry::VerificationReport report;
    report.outcome = registry::VerificationOutcome::passed;
    report.proof = registry::Proof::probed;
    ASSERT_TRUE(registry().finish_verification(task, report));
  }
  ASSERT_TRUE(registry().disconnect(actor(), connection.id));
  transport.then(503, "");
  transport.otherwise = FakeTransport::always(200, "");
  delivery->wake();
  settle();
  ASSERT_EQ(transport.requests.size(), 1U);  // the second one waits for the first
  const auto other = disconnect_one();
  delivery->wake();
  settle();
  ASSERT_EQ(transport.requests.size(), 2U);
  EXPECT_NE(transport.requests[1].body.find(other.text()), std::string::npos);
  pass_time(6s);
  ASSERT_EQ(transport.requests.size(), 4U);
  EXPECT_NE(transport.requests[2].body.find("connection.active"), std::string::npos);
  EXPECT_NE(transport.requests[3].body.find("connection.disconnected"), std::string::npos);
}

// A process that was killed in the middle of an attempt left the event where it is.
TEST_F(DeliveryTest, WhatANewProcessFindsItSends) {
  disconnect_one();
  const auto claimed = registry().claim_webhook_events(10, 60s).value();
  ASSERT_EQ(claimed.size(), 1U);
  transport.then(200, "");
  restart();
  settle();
  EXPECT_TRUE(transport.requests.empty());
  pass_time(61s);
  ASSERT_EQ(transport.requests.size(), 1U);
  EXPECT_EQ(header_of(transport.requests[0], "webhook-id"), claimed[0].id.text());
  EXPECT_FALSE(due());
}

}  // namespace
}  // namespace deputy::webhooks
