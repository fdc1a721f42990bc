#include "api/creation_pace.hpp"

#include <gtest/gtest.h>

namespace deputy::api {
namespace {

using namespace std::chrono_literals;

const TenantId acme = TenantId::parse("ten_aaaaaaaaaaaaaaaaaaaaaaaa").value();

TEST(CreationPace, ABurstIsLetThroughThenTenASecond) {
  CreationPace pace;
  std::chrono::steady_clock::time_point now{1h};
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(pace.take(acme, now)) << i;
  const auto refused = pace.take(acme, now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::rate_limited);
  EXPECT_EQ(refused.error().retry_after, 1s);
  now += 1s;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(pace.take(acme, now)) << i;
  EXPECT_FALSE(pace.take(acme, now));
}

TEST(CreationPace, AnotherTenantIsNotHeldUp) {
  CreationPace pace;
  const std::chrono::steady_clock::time_point now{1h};
  for (int i = 0; i < 1'001; ++i) (void)pace.take(acme, now);
  // One other may share acme's count, hardly three.
  int let_through = 0;
  for (const char* other :
       {"ten_baaaaaaaaaaaaaaaaaaaaaaa", "ten_caaaaaaaaaaaaaaaaaaaaaaa", "ten_daaaaaaaaaaaaaaaaaaaaaaa"})
    let_through += pace.take(TenantId::parse(other).value(), now) ? 1 : 0;
  EXPECT_GE(let_through, 2);
}

}  // namespace
}  // namespace deputy::api
