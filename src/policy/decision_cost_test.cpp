#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <new>

#include "policy/policy_test_support.hpp"

// Deciding does not allocate: counted by this program's own operator new.
namespace {
std::atomic<std::size_t> allocations{0};
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace deputy::policy {
namespace {

TEST(DecisionCost, NoAllocationAfterReading) {
  const Policy trust = policy_of(
      allow_statement(
          R"({"StringEquals":{"sts:ExternalId":"e"},"IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]},
        "DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"},"NumericLessThan":{"k:n":"5"},"Bool":{"k:b":"true"},
        "ForAllValues:StringLike":{"aws:TagKeys":["a*","b?"]},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"},
        "StringNotEqualsIgnoreCase":{"k:s":"x"},"StringLike":{"k:v":["x${k:n}","${k:n}*${k:b, 'default'}"]},
        "NumericGreaterThan":{"k:n":"${k:m, '-1'}"},"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::${aws:PrincipalAccount}:*"}})") +
      "," + deny_statement(R"({"StringNotLike":{"sts:RoleSessionName":"probe*"}})"));
  const Policy identity = identity_policy(
      R"({"Effect":"Allow","Action":["s3:*","sts:Assume*"],"Resource":"arn:aws:iam::*:role/${k:b}*"})");
  Request request = asking({{"sts:ExternalId", {"e"}},
                            {"aws:SourceIp", {"2001:db8::1"}},
                            {"aws:CurrentTime", {"2026-11-22T20:00:00.5Z"}},
                            {"k:n", {"4.5"}},
                            {"k:b", {"true"}},
                            {"k:v", {"4.5 with a text too long for any small string true"}},
                            {"aws:TagKeys", {"ab", "bb"}},
                            {"sts:RoleSessionName", {"probe"}}});
  request.resource = "arn:aws:iam::222222222222:role/true-name-of-a-role-of-some-length";
  add_principal_keys(request);
  PolicySet set;
  set.identity = {&identity};
  set.resource = &trust;
  set.resource_account = "222222222222";
  const std::size_t before = allocations;
  const bool allowed = authorize(set, request).allowed();
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_TRUE(allowed);
}

}  // namespace
}  // namespace deputy::policy
