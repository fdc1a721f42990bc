#include "registry/model.hpp"

#include <gtest/gtest.h>

namespace deputy::registry {
namespace {

TEST(Model, TextsGoBothWays) {
  EXPECT_EQ(to_text(ConnectionState::in_review), "in_review");
  EXPECT_EQ(parse_enum<ConnectionState>("disconnected").value(), ConnectionState::disconnected);
  EXPECT_EQ(parse_enum<KeyRole>(to_text(KeyRole::onboarding)).value(), KeyRole::onboarding);
  EXPECT_EQ(parse_enum<GrantOption>("duration").value(), GrantOption::duration);
}

TEST(Model, UnknownTextsNameTheChoices) {
  const auto state = parse_enum<ConnectionState>("Active");
  ASSERT_FALSE(state);
  EXPECT_NE(state.error().message.find("`awaiting_role`"), std::string::npos);
}

}  // namespace
}  // namespace deputy::registry
