#include "conformance/store_suite.hpp"

namespace deputy::conformance {
namespace {

// Connect sessions, and the events that wait to be delivered.
class StoreConnect : public StoreTest {
 protected:
  ConnectSession session(int seconds = 0) const {
    return {.id = ConnectSessionId::draw(samples::random()),
            .tenant_id = tenant_.id,
            .integration = samples::integration_name(),
            .connection_id = std::nullopt,
            .return_url = "https://app.example/done?a=1",
            .created_at = samples::at(seconds),
            .expires_at = samples::at(seconds + 60),
            .ended_at = std::nullopt};
  }
  WebhookEvent event(const Connection& connection, int seconds) const {
    return {.id = WebhookEventId::draw(samples::random()),
            .type = WebhookEventType::suspended,
            .connection_id = connection.id,
            .tenant_id = connection.tenant_id,
            .body = R"({"a":"é"})",
            .created_at = samples::at(seconds),
            .expires_at = samples::at(seconds + 1'000),
            .next_attempt_at = std::nullopt};
  }
  Connection added_connection() {
    Connection made = samples::connection(tenant_.id);
    add(made);
    return made;
  }
};

TEST_P(StoreConnect, KeepsASessionAndNotItsSecret) {
  ConnectSession made = session();
  const SecretString secret{"a secret of a link"};
  write([&](Transaction& t) { return t.insert(made, secret); });
  reopen();
  const auto found = read([&](Transaction& t) { return t.find_connect_session(made.id, secret); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, made.id);
  EXPECT_EQ(found->tenant_id, made.tenant_id);
  EXPECT_EQ(found->integration, made.integration);
  EXPECT_EQ(found->return_url, made.return_url);
  EXPECT_EQ(found->created_at, made.created_at);
  EXPECT_EQ(found->expires_at, made.expires_at);
  EXPECT_FALSE(found->connection_id);
  EXPECT_FALSE(found->ended_at);
  EXPECT_FALSE(found->opened_at);

  made.connection_id = added_connection().id;
  made.ended_at = samples::at(9);
  made.opened_at = samples::at(8);
  write([&](Transaction& t) { return t.update(made); });
  const auto changed = read([&](Transaction& t) { return t.find_connect_session(made.id, secret); });
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->connection_id, made.connection_id);
  EXPECT_EQ(changed->ended_at, made.ended_at);
  EXPECT_EQ(changed->opened_at, made.opened_at);
}

TEST_P(StoreConnect, FindsASessionOnlyByItsOwnSecret) {
  const ConnectSession a = session();
  const ConnectSession b = session(1);
  write([&](Transaction& t) -> Result<void> {
    DEPUTY_TRY(t.insert(a, SecretString{"secret a"}));
    return t.insert(b, SecretString{"secret b"});
  });
  EXPECT_FALSE(read([&](Transaction& t) { return t.find_connect_session(a.id, SecretString{"secret b"}); }));
  EXPECT_FALSE(read([&](Transaction& t) { return t.find_connect_session(a.id, SecretString{""}); }));
  EXPECT_FALSE(
      read([&](Transaction& t) { return t.find_connect_session(session().id, SecretString{"secret a"}); }));
  EXPECT_TRUE(read([&](Transaction& t) { return t.find_connect_session(a.id); }));
}

TEST_P(StoreConnect, ASessionStaysWithItsTenant) {
  ConnectSession made = session();
  const Tenant other = samples::tenant(1);
  write([&](Transaction& t) -> Result<void> {
    DEPUTY_TRY(t.insert(other));
    return t.insert(made, SecretString{"secret"});
  });
  made.tenant_id = other.id;
  EXPECT_EQ(refused([&](Transaction& t) { return t.update(made); }), ErrorKind::internal);
  EXPECT_EQ(refused([&](Transaction& t) { return t.update(session()); }), ErrorKind::internal);
}

TEST_P(StoreConnect, ListsSessionsNewestFirst) {
  std::vector<ConnectSessionId> expected;
  for (int i = 0; i < 5; ++i) {
    const ConnectSession made = session(i);
    expected.insert(expected.begin(), made.id);
    write([&](Transaction& t) { return t.insert(made, SecretString{"secret"}); });
  }
  for (const auto& tenant : {std::optional<TenantId>{}, std::optional{tenant_.id}}) {
    const auto items = all_pages(
        [&](const PageRequest& page) {
          return read([&](Transaction& t) { return t.list_connect_sessions(tenant, page); });
        },
        2);
    std::vector<ConnectSessionId> seen;
    for (const auto& item : items) seen.push_back(item.id);
    EXPECT_EQ(seen, expected);
  }
  const auto none = read([&](Transaction& t) {
    return t.list_connect_sessions(samples::tenant().id, {.limit = 10, .after = {}});
  });
  EXPECT_TRUE(none.items.empty());
}

TEST_P(StoreConnect, ForgetsTheOldestSessionsFirstAndTheInventoryHolds) {
  std::vector<ConnectSessionId> made;
  for (int i = 0; i < 5; ++i) {
    const ConnectSession one = session(i);
    made.push_back(one.id);
    write([&](Transaction& t) { return t.insert(one, SecretString{"secret"}); });
  }
  const auto forget = [&](int before, std::size_t limit) {
    std::size_t count = 0;
    write([&](Transaction& t) -> Result<void> {
      DEPUTY_TRY(count, t.forget_connect_sessions_before(samples::at(before), limit));
      return success();
    });
    return count;
  };
  EXPECT_EQ(forget(0, 10), 0U);
  EXPECT_EQ(forget(4, 3), 3U);
  EXPECT_EQ(forget(4, 3), 1U);
  reopen();
  for (std::size_t i = 0; i < made.size(); ++i)
    EXPECT_EQ(read([&](Transaction& t) { return t.find_connect_session(made[i]); }).has_value(), i == 4) << i;
  EXPECT_TRUE(store().check_integrity(std::nullopt));
}

TEST_P(StoreConnect, KeepsAnEvent) {
  const Connection connection = added_connection();
  const WebhookEvent made = event(connection, 5);
  write([&](Transaction& t) { return t.insert(made); });
  reopen();
  const auto found = read([&](Transaction& t) { return t.find_webhook_event(made.id); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->type, made.type);
  EXPECT_EQ(found->connection_id, made.connection_id);
  EXPECT_EQ(found->tenant_id, made.tenant_id);
  EXPECT_EQ(found->body, made.body);
  EXPECT_EQ(found->attempts, 0);
  EXPECT_EQ(found->created_at, made.created_at);
  EXPECT_EQ(found->expires_at, made.expires_at);
  EXPECT_EQ(found->next_attempt_at, made.created_at);
  EXPECT_EQ(read([](Transaction& t) { return t.count_webhook_events(); }), 1U);
  write([&](Transaction& t) { return t.remove(*found); });
  EXPECT_FALSE(read([&](Transaction& t) { return t.find_webhook_event(made.id); }));
  EXPECT_EQ(read([](Transaction& t) { return t.count_webhook_events(); }), 0U);
}

TEST_P(StoreConnect, OneConnectionsEventsComeOneAfterTheOther) {
  const Connection a = added_connection();
  const Connection b = added_connection();
  const WebhookEvent first = event(a, 1), second = event(a, 2), third = event(a, 3), others = event(b, 4);
  for (const WebhookEvent& each : {first, second, third, others})
    write([&](Transaction& t) { return t.insert(each); });
  const auto due = [&](int seconds) {
    std::vector<WebhookEventId> ids;
    for (const auto& each :
         read([&](Transaction& t) { return t.due_webhook_events(samples::at(seconds), 10); }))
      ids.push_back(each.id);
    return ids;
  };
  EXPECT_EQ(due(0), std::vector<WebhookEventId>{});
  EXPECT_EQ(due(100), (std::vector{first.id, others.id}));
  EXPECT_EQ(read([](Transaction& t) { return t.oldest_webhook_event(); })->id, first.id);
  // Put off, it still holds back what came after it.
  auto waiting = *read([&](Transaction& t) { return t.find_webhook_event(first.id); });
  waiting.next_attempt_at = samples::at(50);
  waiting.attempts = 3;
  write([&](Transaction& t) { return t.update(waiting); });
  EXPECT_EQ(due(49), (std::vector{others.id}));
  EXPECT_EQ(due(50), (std::vector{others.id, first.id}));
  EXPECT_EQ(read([](Transaction& t) { return t.earliest_webhook_due(); }), samples::at(4));
  write([&](Transaction& t) { return t.remove(waiting); });
  EXPECT_EQ(due(50), (std::vector{second.id, others.id}));
  EXPECT_EQ(read([](Transaction& t) { return t.earliest_webhook_due(); }), samples::at(2));
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreConnect, testing::ValuesIn(store_factories()),
                         [](const auto& factory) { return factory.param.name; });

}  // namespace
}  // namespace deputy::conformance
