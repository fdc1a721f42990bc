#include "support/registry_fixture.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <gtest/gtest.h>

namespace deputy::registry {
namespace {

using namespace std::chrono_literals;

class ConnectSessions : public RegistryFixture {
 protected:
  NewConnectSession wanted(const Tenant& tenant) {
    return {.tenant_id = tenant.id,
            .integration = integration_name(),
            .connection_id = std::nullopt,
            .return_url = std::nullopt,
            .expires_in = std::nullopt};
  }
  CreatedConnectSession make(const NewConnectSession& session) {
    return registry().create_connect_session(actor(), session, std::nullopt).value().value;
  }
  ErrorKind refused(const NewConnectSession& session) {
    const auto made = registry().create_connect_session(actor(), session, std::nullopt);
    EXPECT_FALSE(made);
    return made ? ErrorKind::internal : made.error().kind;
  }
  ConnectView view(const CreatedConnectSession& made) {
    return registry().connect_view(made.session.id, *made.secret).value();
  }
  void finish(VerificationOutcome outcome) {
    const auto due_now = registry().claim_due(10, 10min).value();
    for (const auto& task : due_now) {
      VerificationReport report;
      report.outcome = outcome;
      report.proof = Proof::probed;
      EXPECT_TRUE(registry().finish_verification(task, report));
    }
  }
  void activate(const ConnectionId& id, std::string_view account) {
    ASSERT_TRUE(registry().set_role(
        actor(), id, RoleArn::parse("arn:aws:iam::" + std::string{account} + ":role/reader").value()));
    finish(VerificationOutcome::passed);
    ASSERT_EQ(registry().connection(id).value().state, ConnectionState::active);
  }
};

TEST_F(ConnectSessions, ATenantsFirstSessionMakesItsConnectionAndLaterOnesTakeItUp) {
  const auto acme = make_tenant("Acme");
  const auto first = make(wanted(acme));
  ASSERT_TRUE(first.session.connection_id);
  ASSERT_TRUE(first.secret);
  EXPECT_EQ(first.secret->size(), 52U);
  const auto again = make(wanted(acme));
  EXPECT_EQ(again.session.connection_id, first.session.connection_id);
  EXPECT_NE(again.secret->reveal(), first.secret->reveal());
  // The external ID, once shown, stays.
  EXPECT_EQ(view(again).connection->external_id, view(first).connection->external_id);
}

TEST_F(ConnectSessions, AnActiveConnectionIsLeftAloneAndAnotherOffered) {
  const auto acme = make_tenant("Acme");
  const auto first = make(wanted(acme));
  activate(*first.session.connection_id, "222222222222");
  const auto second = make(wanted(acme));
  EXPECT_FALSE(second.session.connection_id);
  EXPECT_EQ(view(second).connection->id, *first.session.connection_id);
  const auto other = registry().connect_another(actor(), second.session.id).value();
  EXPECT_NE(other.id, *first.session.connection_id);
  EXPECT_EQ(other.state, ConnectionState::awaiting_role);
  EXPECT_EQ(registry().connect_another(actor(), second.session.id).value().id, other.id);
  EXPECT_EQ(view(second).connection->id, other.id);
  const auto beside = registry().connections_beside(other, 10).value();
  ASSERT_EQ(beside.size(), 1U);
  EXPECT_EQ(beside.front().id, *first.session.connection_id);
  EXPECT_EQ(registry().choose_connection(actor(), second.session.id, *first.session.connection_id).value().id,
            *first.session.connection_id);
}

// What waits for the partner keeps no other account out; what the customer has yet to finish is gone on with.
TEST_F(ConnectSessions, AnotherAccountIsConnectedBesideOneInReview) {
  activate(make_connection(make_tenant("Globex")).id, "222222222222");
  const auto acme = make_tenant("Acme");
  const auto session = make(wanted(acme));
  const ConnectionId first = *session.session.connection_id;
  const auto role = RoleArn::parse("arn:aws:iam::222222222222:role/reader").value();
  ASSERT_TRUE(registry().set_role(actor(), first, role));
  EXPECT_EQ(registry().connect_another(actor(), session.session.id).value().id, first);
  finish(VerificationOutcome::passed);
  ASSERT_EQ(registry().connection(first).value().state, ConnectionState::in_review);
  EXPECT_EQ(make(wanted(acme)).session.connection_id, first);
  const auto another = registry().connect_another(actor(), session.session.id).value();
  EXPECT_NE(another.id, first);
  EXPECT_EQ(another.state, ConnectionState::awaiting_role);
}

TEST_F(ConnectSessions, NewConnectionsOfOneTenantAreBounded) {
  const auto session = make(wanted(make_tenant("Acme")));
  ErrorKind last = ErrorKind::internal;
  for (int i = 0; i < 25 && last != ErrorKind::rate_limited; ++i) {
    const auto connection = registry().connect_another(actor(), session.session.id);
    if (connection)
      ASSERT_TRUE(registry().disconnect(actor(), connection.value().id));
    else
      last = connection.error().kind;
  }
  EXPECT_EQ(last, ErrorKind::rate_limited);
}

// However many ended ones and ones of other integrations are newer.
TEST_F(ConnectSessions, AConnectionIsFoundAmongThousandsOfOthers) {
  const auto acme = make_tenant("Acme");
  const auto first = make(wanted(acme));
  activate(*first.session.connection_id, "222222222222");
  const auto second = make(wanted(acme));
  clock().advance(1s);
  auto ended = registry().connection(*first.session.connection_id).value();
  ended.state = ConnectionState::disconnected;
  ended.role_arn.reset();
  ended.holds_account = false;
  ended.account_claimed_at.reset();
  ended.last_verification.reset();
  ended.next_verification_at.reset();
  ended.created_at = clock().now();
  ASSERT_TRUE(store().write([&](Transaction& tx) -> Result<void> {
    for (int i = 0; i < 2'100; ++i) {
      ended.id = ConnectionId::draw(random());
      ended.external_id = issue_external_id(random());
      DEPUTY_TRY(tx.claim_external_id(ended.external_id, ended.id));
      DEPUTY_TRY(tx.insert(ended));
    }
    return success();
  }));
  EXPECT_EQ(view(second).connection->id, *first.session.connection_id);
  EXPECT_EQ(make(wanted(acme)).session.connection_id, std::nullopt);
  const auto shown = registry().connection(ended.id).value();
  EXPECT_EQ(registry().connections_beside(shown, 1).value().front().id, *first.session.connection_id);
}

TEST_F(ConnectSessions, ARejectedOneIsTakenUpAgain) {
  const auto acme = make_tenant("Acme");
  const auto first = make(wanted(acme));
  ASSERT_TRUE(registry().set_role(actor(), *first.session.connection_id,
                                  RoleArn::parse("arn:aws:iam::222222222222:role/reader").value()));
  finish(VerificationOutcome::failed);
  EXPECT_EQ(make(wanted(acme)).session.connection_id, first.session.connection_id);
}

TEST_F(ConnectSessions, AreOnRecordWhenMadeOpenedAndEndedEachOnce) {
  const auto made = make(wanted(make_tenant("Acme")));
  const ConnectSessionId id = made.session.id;
  const Timestamp opened_at = clock().now();
  const Actor visitor{"connect_session", id.text(), "192.0.2.9"};
  for (int times = 0; times < 3; ++times) {
    ASSERT_TRUE(registry().note_opening(visitor, id));
    clock().advance(1min);
  }
  for (int times = 0; times < 2; ++times) ASSERT_TRUE(registry().end_connect_session(actor(), id));
  EXPECT_EQ(registry().connect_session(id).value().opened_at, opened_at);
  std::vector<std::string> acts;
  const auto entries = registry().journal({.limit = 200, .after = {}}).value();
  for (const auto& chained : entries.items) {
    if (chained.entry.subject != id.text()) continue;
    acts.push_back(chained.entry.act);
    if (chained.entry.act == "connect_session.opened") EXPECT_EQ(chained.entry.actor.address, "192.0.2.9");
  }
  EXPECT_EQ(acts, (std::vector<std::string>{"connect_session.created", "connect_session.opened",
                                            "connect_session.ended"}));
}

TEST_F(ConnectSessions, AreForgottenOnlyWhenTheyAreLongOver) {
  const auto acme = make_tenant("Acme");
  auto for_a_week = wanted(acme);
  for_a_week.expires_in = std::chrono::days{7};
  const auto old = make(for_a_week);
  clock().advance(Registry::connect_sessions_kept);
  EXPECT_EQ(registry().forget_old_connect_sessions(10).value(), 0U);
  EXPECT_TRUE(view(old).session.opened_at == std::nullopt);
  const auto young = make(for_a_week);
  clock().advance(1s);
  EXPECT_EQ(registry().forget_old_connect_sessions(10).value(), 1U);
  EXPECT_EQ(registry().connect_session(old.session.id).error().kind, ErrorKind::not_found);
  EXPECT_TRUE(registry().connect_session(young.session.id));
}

// Threats 21 and 34: nothing of another tenant, by whatever identifier; an unknown session and a wrong secret
// look alike.
TEST_F(ConnectSessions, ReachNothingOfAnotherTenant) {
  const auto acme = make_tenant("Acme");
  const auto mallory = make_tenant("Mallory");
  const auto acmes = make_connection(acme);
  auto stolen = wanted(mallory);
  stolen.connection_id = acmes.id;
  EXPECT_EQ(refused(stolen), ErrorKind::not_found);
  const auto session = make(wanted(mallory));
  const auto chosen = registry().choose_connection(actor(), session.session.id, acmes.id);
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().kind, ErrorKind::not_found);
  EXPECT_EQ(
      registry().choose_connection(actor(), session.session.id, ConnectionId::draw(random())).error().message,
      chosen.error().message);

  const auto other = make(wanted(acme));
  const auto wrong = registry().connect_view(other.session.id, *session.secret);
  const auto unknown = registry().connect_view(ConnectSessionId::draw(random()), *session.secret);
  ASSERT_FALSE(wrong);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(wrong.error().kind, ErrorKind::not_found);
  EXPECT_EQ(wrong.error().message, unknown.error().message);
}

TEST_F(ConnectSessions, EndByTimeAndByThePartner) {
  const auto acme = make_tenant("Acme");
  const auto session = make(wanted(acme));
  EXPECT_EQ(session.session.expires_at - session.session.created_at, 30min);
  EXPECT_TRUE(view(session).session.is_open(clock().now()));
  clock().advance(30min);
  EXPECT_FALSE(view(session).session.is_open(clock().now()));
  EXPECT_FALSE(registry().connect_another(actor(), session.session.id));

  const auto ended = make(wanted(acme));
  ASSERT_TRUE(registry().end_connect_session(actor(), ended.session.id));
  ASSERT_TRUE(registry().end_connect_session(actor(), ended.session.id));
  EXPECT_FALSE(view(ended).session.is_open(clock().now()));
  EXPECT_EQ(registry().end_connect_session(actor(), ConnectSessionId::draw(random())).error().kind,
            ErrorKind::not_found);
}

// Threats 21 and 34: the end of a session, and its turn to another connection, hold for what is under way.
TEST_F(ConnectSessions, NothingIsChangedInTheNameOfOneThatIsOverOrAboutAnother) {
  const auto acme = make_tenant("Acme");
  const auto role = RoleArn::parse("arn:aws:iam::222222222222:role/other").value();
  using Act = std::function<std::optional<ErrorKind>(const Mandate&)>;
  const auto kind_of = [](const auto& result) {
    return result ? std::nullopt : std::optional{result.error().kind};
  };
  const std::vector<Act> acts{[&](const Mandate& by) { return kind_of(registry().set_role(by, role)); },
                              [&](const Mandate& by) { return kind_of(registry().submit_role(by, role)); },
                              [&](const Mandate& by) { return kind_of(registry().request_verification(by)); },
                              [&](const Mandate& by) { return kind_of(registry().begin_rotation(by)); },
                              [&](const Mandate& by) { return kind_of(registry().promote_rotation(by)); },
                              [&](const Mandate& by) { return kind_of(registry().cancel_rotation(by)); },
                              [&](const Mandate& by) { return kind_of(registry().adopt_integration(by, 2)); },
                              [&](const Mandate& by) { return kind_of(registry().disconnect(by)); }};
  const auto first = make(wanted(acme));
  const ConnectionId shown = *first.session.connection_id;
  activate(shown, "222222222222");
  clock().advance(1min);
  const auto ended = make(wanted(acme)), turned = make(wanted(acme)), unopened = make(wanted(acme));
  for (const auto& session : {ended, turned})
    ASSERT_TRUE(registry().note_opening(actor(), session.session.id));
  ASSERT_TRUE(registry().end_connect_session(actor(), ended.session.id));
  ASSERT_TRUE(registry().connect_another(actor(), turned.session.id));
  const auto before = registry().connection(shown).value();
  for (std::size_t act = 0; act < acts.size(); ++act) {
    for (const auto& session : {ended, turned, unopened})
      EXPECT_EQ(acts[act](Mandate::of_customer(session.session.id, shown, "192.0.2.9")), ErrorKind::forbidden)
          << act;
  }
  EXPECT_EQ(registry().connection(shown).value().revision, before.revision);
  EXPECT_EQ(registry().connection(shown).value().state, ConnectionState::active);
  ASSERT_TRUE(registry().set_role(Mandate::of_customer(first.session.id, shown, "192.0.2.9"), role));
  clock().advance(30min);
  EXPECT_EQ(registry().disconnect(Mandate::of_customer(first.session.id, shown, "")).error().kind,
            ErrorKind::forbidden);
}

TEST_F(ConnectSessions, AreAboutOneConnectionFromTheFirstOpeningOn) {
  const auto acme = make_tenant("Acme");
  const ConnectionId first = *make(wanted(acme)).session.connection_id;
  activate(first, "222222222222");
  const auto session = make(wanted(acme));
  ASSERT_FALSE(session.session.connection_id);
  ASSERT_TRUE(registry().note_opening(actor(), session.session.id));
  EXPECT_EQ(registry().connect_session(session.session.id).value().connection_id, first);
  clock().advance(1s);
  make_connection(acme);
  ASSERT_TRUE(registry().note_opening(actor(), session.session.id));
  EXPECT_EQ(view(session).connection->id, first);
}

TEST_F(ConnectSessions, LiveSevenDaysAtMost) {
  auto session = wanted(make_tenant("Acme"));
  session.expires_in = std::chrono::days{7};
  EXPECT_TRUE(make(session).secret);
  session.expires_in = std::chrono::days{7} + 1s;
  EXPECT_EQ(refused(session), ErrorKind::invalid_request);
  session.expires_in = 0s;
  EXPECT_EQ(refused(session), ErrorKind::invalid_request);
}

TEST_F(ConnectSessions, LeadBackOnlyToWhereThePartnerAllows) {
  auto session = wanted(make_tenant("Acme"));
  session.return_url = "https://app.example/aws/done?x=1";
  EXPECT_EQ(make(session).session.return_url, session.return_url);
  session.return_url = "https://evil.example/aws";
  EXPECT_EQ(refused(session), ErrorKind::invalid_request);
}

TEST_F(ConnectSessions, AReplayHasNoSecret) {
  const Idempotency once{"key_x POST /v1/connect-sessions", "k1", "fingerprint"};
  const auto session = wanted(make_tenant("Acme"));
  const auto first = registry().create_connect_session(actor(), session, once).value();
  const auto again = registry().create_connect_session(actor(), session, once).value();
  EXPECT_TRUE(first.value.secret);
  EXPECT_FALSE(again.value.secret);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(first.value.session.id, again.value.session.id);
}

TEST_F(ConnectSessions, AConnectionGoesOverToTheNewestVersionAndIsVerifiedAgainstIt) {
  const auto session = make(wanted(make_tenant("Acme")));
  const ConnectionId id = *session.session.connection_id;
  activate(id, "222222222222");
  EXPECT_EQ(registry().adopt_integration({actor(), id}, 1).error().kind, ErrorKind::conflict);
  auto spec = integration_spec();
  spec.description = "Reads more";
  ASSERT_TRUE(registry().put_integration(actor(), spec));
  EXPECT_EQ(view(session).newest.version, 2);
  EXPECT_EQ(view(session).integration.version, 1);
  EXPECT_EQ(registry().adopt_integration({actor(), id}, 3).error().kind, ErrorKind::conflict);
  clock().advance(1min);
  const auto after = registry().adopt_integration({actor(), id}, 2).value();
  EXPECT_EQ(after.integration_version, 2);
  EXPECT_EQ(after.state, ConnectionState::active);
  const auto tasks = registry().claim_due(10, 10min).value();
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_EQ(tasks.front().integration.version, 2);
}

// Whoever makes a role now makes it with the permissions of now; the external ID stays as it was shown.
TEST_F(ConnectSessions, AConnectionThatAwaitsItsRoleAsksForTheNewestPermissions) {
  const auto acme = make_tenant("Acme");
  const auto first = make(wanted(acme));
  const auto before = registry().connection(*first.session.connection_id).value();
  int version = 1;
  const auto newer = [&] {
    auto spec = integration_spec();
    spec.description = fmt::format("Version {}", ++version);
    ASSERT_TRUE(registry().put_integration(actor(), spec));
  };
  const auto expect_newest = [&](const char* after) {
    const auto now = registry().connection(before.id).value();
    EXPECT_EQ(now.integration_version, version) << after;
    EXPECT_EQ(now.external_id, before.external_id) << after;
    EXPECT_EQ(now.state, ConnectionState::awaiting_role) << after;
  };
  newer();
  const auto second = make(wanted(acme));
  expect_newest("a new session");
  newer();
  auto named = wanted(acme);
  named.connection_id = before.id;
  make(named);
  expect_newest("a new session for it");
  newer();
  ASSERT_TRUE(registry().note_opening(actor(), second.session.id));
  expect_newest("the first opening");
  newer();
  ASSERT_TRUE(registry().choose_connection(actor(), second.session.id, before.id));
  expect_newest("being chosen");
  newer();
  ASSERT_TRUE(registry().connect_another(actor(), second.session.id));
  expect_newest("being taken up");
  const auto entries = registry().journal({.limit = 200, .after = {}}).value();
  EXPECT_EQ(std::ranges::count_if(
                entries.items,
                [](const auto& chained) { return chained.entry.act == "connection.integration_updated"; }),
            version - 1);
  // A role was given: its customer decides.
  activate(before.id, "222222222222");
  newer();
  ASSERT_TRUE(registry().choose_connection(actor(), second.session.id, before.id));
  EXPECT_EQ(registry().connection(before.id).value().integration_version, version - 1);
}

class WebhookEvents : public ConnectSessions {
 protected:
  std::vector<WebhookEvent> claim() { return registry().claim_webhook_events(100, 1min).value(); }
  std::vector<std::string> types() {
    std::vector<std::string> found;
    for (const auto& event : claim()) {
      found.emplace_back(to_text(event.type));
      EXPECT_TRUE(registry().webhook_delivered(event.id));
    }
    return found;
  }
};

TEST_F(WebhookEvents, TellOfEachChangeInOrderAndOfNothingElse) {
  const auto connection = make_connection(make_tenant("Acme"));
  EXPECT_TRUE(claim().empty());
  activate(connection.id, "222222222222");
  clock().advance(1h);
  ASSERT_TRUE(registry().request_verification(actor(), connection.id));
  finish(VerificationOutcome::failed);
  clock().advance(1h);
  ASSERT_TRUE(registry().request_verification(actor(), connection.id));
  finish(VerificationOutcome::inconclusive);
  ASSERT_TRUE(registry().disconnect(actor(), connection.id));
  EXPECT_EQ(webhook_announcements_, 3);
  EXPECT_EQ(types(), std::vector<std::string>{"connection.active"});
  EXPECT_EQ(types(), std::vector<std::string>{"connection.suspended"});
  EXPECT_EQ(types(), std::vector<std::string>{"connection.disconnected"});
  EXPECT_TRUE(claim().empty());
}

TEST_F(WebhookEvents, NameNeitherExternalIdNorRole) {
  const auto connection = make_connection(make_tenant("Acme"));
  activate(connection.id, "222222222222");
  const auto events = claim();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events.front().body.find(connection.external_id.text()), std::string::npos);
  EXPECT_EQ(events.front().body.find("role/reader"), std::string::npos);
  EXPECT_NE(events.front().body.find(R"("state":"active","previous_state":"verifying")"), std::string::npos);
}

TEST_F(WebhookEvents, ComeBackAfterTheirLeaseUntilTheyAreTaken) {
  activate(make_connection(make_tenant("Acme")).id, "222222222222");
  const auto first = claim();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_TRUE(claim().empty());
  clock().advance(1min);
  const auto second = claim();
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second.front().id, first.front().id);
  EXPECT_EQ(second.front().attempts, 2);
  ASSERT_TRUE(registry().webhook_failed(second.front().id, clock().now() + 10s, true));
  EXPECT_EQ(registry().webhook_counts().refused, 1U);
  EXPECT_EQ(registry().earliest_webhook_due().value(), clock().now() + 10s);
  clock().advance(10s);
  EXPECT_EQ(types(), std::vector<std::string>{"connection.active"});
  EXPECT_FALSE(registry().earliest_webhook_due().value());
}

TEST_F(WebhookEvents, AreGivenUpOnRecordWhenNobodyTookThem) {
  const auto connection = make_connection(make_tenant("Acme"));
  activate(connection.id, "222222222222");
  ASSERT_TRUE(registry().disconnect(actor(), connection.id));
  clock().advance(std::chrono::days{3});
  EXPECT_TRUE(claim().empty());
  EXPECT_TRUE(claim().empty());
  int expired = 0;
  const auto entries = registry().journal({.limit = 200, .after = {}}).value();
  for (const auto& chained : entries.items) expired += chained.entry.act == "webhook.expired" ? 1 : 0;
  EXPECT_EQ(expired, 2);
  EXPECT_EQ(registry().webhook_counts().expired, 2U);
}

TEST_F(WebhookEvents, ARotationIsTold) {
  const auto connection = make_connection(make_tenant("Acme"));
  activate(connection.id, "222222222222");
  types();
  ASSERT_TRUE(registry().begin_rotation(actor(), connection.id));
  clock().advance(1h);
  ASSERT_TRUE(registry().request_verification(actor(), connection.id));
  const auto due_now = registry().claim_due(10, 10min).value();
  for (const auto& task : due_now) {
    VerificationReport report;
    report.outcome = VerificationOutcome::passed;
    report.proof = Proof::probed;
    report.next_external_id_works = true;
    ASSERT_TRUE(registry().finish_verification(task, report));
  }
  ASSERT_TRUE(registry().promote_rotation(actor(), connection.id));
  EXPECT_EQ(types(), std::vector<std::string>{"connection.rotated"});
}

}  // namespace
}  // namespace deputy::registry
