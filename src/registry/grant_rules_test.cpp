#include "registry/grant_rules.hpp"

#include "support/fake_random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deputy::registry {
namespace {

using testing::HasSubstr;

std::string policy_of(std::string_view action) {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":")" + std::string{action} +
         R"(","Resource":"*"}]})";
}

const std::string reading = policy_of("s3:GetObject");
const std::string listing = policy_of("s3:ListBucket");

class GrantRules : public testing::Test {
 protected:
  using Tenants = std::optional<std::vector<TenantId>>;

  static Grant forcing(std::string policy, Tenants tenants = std::nullopt,
                       const char* integration = nullptr) {
    Grant grant{.tenants = std::move(tenants), .session_policy = std::move(policy)};
    if (integration != nullptr) grant.integration = IntegrationName::parse(integration).value();
    return grant;
  }
  // The field at fault in either order; empty when both are taken.
  static std::string refused(const Grant& one, const Grant& other) {
    const auto forth = check_grants({one, other}), back = check_grants({other, one});
    EXPECT_EQ(forth.has_error(), back.has_error());
    if (forth) return "";
    EXPECT_EQ(forth.error().kind, ErrorKind::invalid_request);
    EXPECT_THAT(forth.error().message, HasSubstr("grants[0] and grants[1]"));
    return forth.error().field;
  }

  SeededRandom random;
  TenantId acme = TenantId::draw(random), globex = TenantId::draw(random);
};

// Threat: of two policies that are forced on one connection, one would be escaped.
TEST_F(GrantRules, PoliciesForcedOnTheSameConnectionsAreOne) {
  const std::string field = "grants[1].session_policy";
  EXPECT_EQ(refused(forcing(reading), forcing(listing)), field);
  EXPECT_EQ(refused(forcing(reading), forcing(listing, Tenants{{acme}})), field);
  EXPECT_EQ(refused(forcing(reading, Tenants{{globex, acme}}), forcing(listing, Tenants{{acme}})), field);
  EXPECT_EQ(refused(forcing(reading, {}, "log-reader"), forcing(listing)), field);
  EXPECT_EQ(refused(forcing(reading, {}, "log-reader"), forcing(listing, {}, "log-reader")), field);
  EXPECT_EQ(refused(forcing(reading), forcing(reading)), "");
}

TEST_F(GrantRules, PoliciesForcedOnDifferentConnectionsMayDiffer) {
  EXPECT_EQ(refused(forcing(reading, Tenants{{acme}}), forcing(listing, Tenants{{globex}})), "");
  EXPECT_EQ(refused(forcing(reading, {}, "log-reader"), forcing(listing, {}, "scanner")), "");
  EXPECT_EQ(refused(forcing(reading), forcing(listing, Tenants{std::vector<TenantId>{}})), "");
  EXPECT_EQ(refused(forcing(reading), Grant{.may = {GrantOption::region}}), "");
}

TEST_F(GrantRules, ASessionPolicyIsCountedInCharacters) {
  const auto padded = [&](std::size_t characters) {
    const std::string sid = R"({"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow",)"
                            R"("Action":"s3:GetObject","Resource":"arn:aws:s3:::)";
    std::string text = sid;
    for (std::size_t i = sid.size() + 4; i < characters; ++i) text += "\xc3\xa9";
    return text + R"("}]})";
  };
  EXPECT_TRUE(check_session_policy(padded(2'048), "p"));
  const auto longer = check_session_policy(padded(2'049), "p");
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().field, "p");
  EXPECT_TRUE(check_grants({forcing(padded(2'048))}));
  const auto grants = check_grants({forcing(reading), forcing(padded(2'049), Tenants{{acme}})});
  ASSERT_FALSE(grants);
  EXPECT_EQ(grants.error().field, "grants[1].session_policy");
}

TEST_F(GrantRules, ASessionPolicyIsReadAsAwsReadsIt) {
  for (const std::string& wrong :
       {std::string{}, std::string{"{}"}, reading + "\x01", reading + "\xe2\x82\xac"})
    EXPECT_FALSE(check_session_policy(wrong, "p")) << wrong;
}

}  // namespace
}  // namespace deputy::registry
