#include "api/authorization.hpp"

#include <gtest/gtest.h>

namespace deputy::api {
namespace {

using registry::KeyRole;

constexpr std::string_view own = "con_aaaaaaaaaaaaaaaaaaaaaaaa";
constexpr std::string_view other = "con_bbbbbbbbbbbbbbbbbbbbbbbb";

registry::Key key_of(KeyRole role, bool narrowed) {
  registry::Key key{.id = KeyId::parse("key_aaaaaaaaaaaaaaaaaaaaaaaa").value(),
                    .role = role,
                    .workload = std::nullopt,
                    .connection_id = std::nullopt};
  if (narrowed) key.connection_id = ConnectionId::parse(own).value();
  return key;
}

Route route_of(bool narrowed_keys) {
  return {.method = "GET",
          .pattern = "/v1/connections/{connection}",
          .access = {.workload = true},
          .handler = nullptr,
          .narrowed_keys = narrowed_keys};
}

std::string outcome(const Route& route, const registry::Key& key, std::string_view connection) {
  const auto result = authorize(route, key, {std::string{connection}});
  return result.has_error() ? std::string{code_of(result.error().kind)} : "admitted";
}

TEST(Authorization, GoesByRole) {
  EXPECT_EQ(outcome(route_of(false), key_of(KeyRole::workload, false), other), "admitted");
  for (const KeyRole role : {KeyRole::admin, KeyRole::onboarding, KeyRole::auditor})
    EXPECT_EQ(outcome(route_of(false), key_of(role, false), own), "forbidden");
}

TEST(Authorization, KeepsAKeyForOneConnectionToIt) {
  EXPECT_EQ(outcome(route_of(true), key_of(KeyRole::workload, true), own), "admitted");
  EXPECT_EQ(outcome(route_of(true), key_of(KeyRole::workload, true), other), "not_found");
  EXPECT_EQ(outcome(route_of(true), key_of(KeyRole::workload, true), "nonsense"), "not_found");
  EXPECT_EQ(outcome(route_of(false), key_of(KeyRole::workload, true), own), "forbidden");
  EXPECT_EQ(outcome(route_of(true), key_of(KeyRole::admin, true), own), "forbidden");
}

}  // namespace
}  // namespace deputy::api
