#include "support/registry_fixture.hpp"

#include <gtest/gtest.h>

namespace deputy::registry {
namespace {

class Integrations : public RegistryFixture {};

TEST_F(Integrations, AnIntegrationVersionsOnChangeOnly) {
  auto spec = integration_spec();
  EXPECT_EQ(registry().put_integration(actor(), spec).value().version, 1);
  EXPECT_EQ(registry().put_integration(actor(), spec).value().version, 1);
  spec.description = "Reads logs, and says so better";
  EXPECT_EQ(registry().put_integration(actor(), spec).value().version, 2);
  EXPECT_EQ(registry().integration(spec.name, 1).value().description, integration_spec().description);
}

// AWS refuses other names, and would refuse them where nobody looks.
TEST_F(Integrations, RefusesPatternsThatNoLogGroupCanHave) {
  auto spec = integration_spec();
  spec.logs.emplace();
  spec.logs->regions = {Region::parse("eu-central-1").value()};
  for (const char* good : {"/app/*", "*", "/aws/lambda/a-b_c.d#e"}) {
    spec.logs->groups = {good};
    EXPECT_TRUE(registry().put_integration(actor(), spec)) << good;
  }
  for (const std::string& bad : {std::string{}, std::string{"/app/[a-z]"}, std::string{"/app x"},
                                 std::string{"/app:*"}, std::string{"/caf\xc3\xa9"}, std::string(513, 'a')}) {
    spec.logs->groups = {"/app/*", bad};
    const auto refused = registry().put_integration(actor(), spec);
    ASSERT_TRUE(refused.has_error()) << bad;
    EXPECT_EQ(refused.error().field, "logs.groups") << bad;
  }
}

TEST_F(Integrations, RefusesIntegrationsThatAreTooBroad) {
  auto spec = integration_spec();
  spec.reasons.clear();
  for (const char* action : {"*", "iam:*", "sts:AssumeRole", "organizations:*", "s3:*"}) {
    spec.policy = std::string{R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":")"} +
                  action + R"(","Resource":"*"}})";
    EXPECT_EQ(registry().put_integration(actor(), spec).error().kind, ErrorKind::integration_too_broad)
        << action;
  }
  spec.accept_risk = "agreed with the customer's security team";
  EXPECT_TRUE(registry().put_integration(actor(), spec));
}

}  // namespace
}  // namespace deputy::registry
