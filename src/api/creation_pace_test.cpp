#include "api/creation_pace.hpp"

#include <gtest/gtest.h>

namespace deputy::api {
namespace {

using namespace std::chrono_literals;

const TenantId acme = TenantId::parse("ten_aaaaaaaaaaaaaaaaaaaaaaaa").value();

TEST(CreationPace, ABurstIsLetThroughThenTenASecond) {
  CreationPace pace;
  std::chrono::steady_clock::time_point now{1h};
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(pace.take_connection(acme, now)) << i;
  const auto refused = pace.take_connection(acme, now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::rate_limited);
  EXPECT_EQ(refused.error().retry_after, 1s);
  now += 1s;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(pace.take_connection(acme, now)) << i;
  EXPECT_FALSE(pace.take_connection(acme, now));
}

TEST(CreationPace, AnotherTenantIsNotHeldUp) {
  CreationPace pace;
  const std::chrono::steady_clock::time_point now{1h};
  for (int i = 0; i < 1'001; ++i) (void)pace.take_connection(acme, now);
  // One other may share acme's count, hardly three.
  int let_through = 0;
  for (const char* other :
       {"ten_baaaaaaaaaaaaaaaaaaaaaaa", "ten_caaaaaaaaaaaaaaaaaaaaaaa", "ten_daaaaaaaaaaaaaaaaaaaaaaa"})
    let_through += pace.take_connection(TenantId::parse(other).value(), now) ? 1 : 0;
  EXPECT_GE(let_through, 2);
}

TEST(CreationPace, TenantsAndKeysAreCountedByTheKeyThatMakesThem) {
  CreationPace pace;
  const auto maker = KeyId::parse("key_aaaaaaaaaaaaaaaaaaaaaaaa").value();
  std::chrono::steady_clock::time_point now{1h};
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(pace.take_key(maker, now)) << i;
  EXPECT_EQ(pace.take_key(maker, now).error().kind, ErrorKind::rate_limited);
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(pace.take_tenant(maker, now)) << i;
  EXPECT_EQ(pace.take_tenant(maker, now).error().kind, ErrorKind::rate_limited);
  now += 1s;
  EXPECT_TRUE(pace.take_key(maker, now));
  EXPECT_TRUE(pace.take_tenant(maker, now));
}

}  // namespace
}  // namespace deputy::api
