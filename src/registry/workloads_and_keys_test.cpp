#include "support/registry_fixture.hpp"

#include <gtest/gtest.h>

namespace deputy::registry {
namespace {

using namespace std::chrono_literals;

class KeysTest : public RegistryFixture {
 protected:
  Key make(KeyRole role, std::optional<std::chrono::seconds> expires_in = std::nullopt) {
    return registry()
        .create_key(actor(), {.role = role, .workload = {}, .connection_id = {}, .expires_in = expires_in},
                    std::nullopt)
        .value()
        .value.key;
  }
  // The kind of the refusal; nothing when it was revoked.
  std::optional<ErrorKind> revoke(const Key& key) {
    const auto revoked = registry().revoke_key(actor(), key.id);
    EXPECT_EQ(registry().key(key.id).value().revoked_at.has_value(), revoked.has_value());
    return revoked ? std::nullopt : std::optional{revoked.error().kind};
  }
};

TEST_F(KeysTest, TheLastKeyOfAnAdminCannotBeRevoked) {
  const Key first = make(KeyRole::admin);
  make(KeyRole::auditor);
  EXPECT_EQ(revoke(first), ErrorKind::conflict) << "nobody could make another";
  const Key second = make(KeyRole::admin);
  EXPECT_EQ(revoke(first), std::nullopt);
  EXPECT_TRUE(registry().revoke_key(actor(), first.id)) << "again";
  EXPECT_EQ(revoke(second), ErrorKind::conflict) << "a revoked one is no other";
  const auto refused = registry().revoke_key(actor(), second.id);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("make one first"), std::string::npos) << refused.error().message;
}

TEST_F(KeysTest, AKeyThatEndsSoonerStandsInForNoOther) {
  const Key lasting = make(KeyRole::admin);
  const Key day = make(KeyRole::admin, 24h);
  EXPECT_EQ(revoke(lasting), ErrorKind::conflict) << "in a day nobody could make another";
  EXPECT_EQ(revoke(day), std::nullopt) << "the lasting one outlives it";
  const Key hour = make(KeyRole::admin, 1h);
  clock().advance(1h);
  EXPECT_EQ(revoke(hour), std::nullopt) << "it is over anyhow";
  make(KeyRole::admin);
  EXPECT_EQ(revoke(lasting), std::nullopt);
}

// Who has no key without an end renews them: the next one is made, the one before revoked.
TEST_F(KeysTest, KeysThatAllEndAreRevokedOnceTheNextIsMade) {
  const Key old = make(KeyRole::admin, 24h);
  EXPECT_EQ(revoke(old), ErrorKind::conflict);
  make(KeyRole::admin, 23h);
  EXPECT_EQ(revoke(old), ErrorKind::conflict);
  const Key next = make(KeyRole::admin, 24h);
  EXPECT_EQ(revoke(old), std::nullopt);
  EXPECT_EQ(revoke(next), ErrorKind::conflict);
}

TEST_F(KeysTest, NoneIsMadeForAConnectionThatHasEnded) {
  const auto connection = make_connection(make_tenant("Acme"));
  const auto workload = WorkloadName::parse("collector").value();
  ASSERT_TRUE(registry().put_workload(actor(), {workload, {Grant{}}}));
  const NewKey wanted{.role = KeyRole::workload,
                      .workload = workload,
                      .connection_id = connection.id,
                      .expires_in = std::nullopt};
  EXPECT_TRUE(registry().create_key(actor(), wanted, std::nullopt));
  ASSERT_TRUE(registry().disconnect(actor(), connection.id));
  const auto refused = registry().create_key(actor(), wanted, std::nullopt);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::connection_disconnected);
}

}  // namespace
}  // namespace deputy::registry
