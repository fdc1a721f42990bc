#include "broker/credential_cache.hpp"

#include "support/fake_random.hpp"

#include <gtest/gtest.h>

namespace deputy::broker {
namespace {

class CredentialCacheTest : public testing::Test {
 protected:
  CredentialCache::Entry entry(const std::string& key, const ConnectionId& connection, const char* workload) {
    return {.key = key,
            .owners = {connection, WorkloadName::parse(workload).value()},
            .session = std::make_shared<const Session>()};
  }
  SeededRandom random;
  ConnectionId acme = ConnectionId::draw(random);
  ConnectionId globex = ConnectionId::draw(random);
  CredentialCache cache{3};
};

TEST_F(CredentialCacheTest, FindsByTheWholeKeyOnly) {
  cache.put(entry("acme/a", acme, "collector"));
  EXPECT_NE(cache.find("acme/a"), nullptr);
  EXPECT_EQ(cache.find("acme/"), nullptr);
  EXPECT_EQ(cache.find("acme/b"), nullptr);
}

TEST_F(CredentialCacheTest, TheLeastRecentlyUsedGoesFirst) {
  cache.put(entry("1", acme, "collector"));
  cache.put(entry("2", acme, "collector"));
  cache.put(entry("3", acme, "collector"));
  cache.find("1");
  cache.put(entry("4", acme, "collector"));
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_EQ(cache.find("2"), nullptr);
  EXPECT_NE(cache.find("1"), nullptr);
}

TEST_F(CredentialCacheTest, PuttingAgainReplaces) {
  cache.put(entry("1", acme, "collector"));
  cache.put(entry("1", globex, "reporter"));
  EXPECT_EQ(cache.size(), 1U);
  cache.forget(acme);
  EXPECT_EQ(cache.size(), 1U);
  cache.forget(WorkloadName::parse("reporter").value());
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(CredentialCacheTest, ForgetsAConnectionOrAWorkloadAlone) {
  cache.put(entry("1", acme, "collector"));
  cache.put(entry("2", acme, "reporter"));
  cache.put(entry("3", globex, "reporter"));
  cache.forget(acme);
  EXPECT_EQ(cache.find("1"), nullptr);
  EXPECT_EQ(cache.find("2"), nullptr);
  EXPECT_NE(cache.find("3"), nullptr);
  cache.forget(WorkloadName::parse("reporter").value());
  EXPECT_EQ(cache.size(), 0U);
  cache.forget(acme);
}

TEST_F(CredentialCacheTest, WhatIsForgottenIsDestroyed) {
  auto one = entry("1", acme, "collector");
  const std::weak_ptr<const Session> session = one.session;
  cache.put(std::move(one));
  EXPECT_FALSE(session.expired());
  cache.forget(acme);
  EXPECT_TRUE(session.expired());
}

}  // namespace
}  // namespace deputy::broker
