#include "support/registry_fixture.hpp"

#include <gtest/gtest.h>

namespace deputy::registry {
namespace {

class AcceptRiskTest : public RegistryFixture {
 protected:
  std::string journaled() {
    return registry().journal({.limit = 200, .after = {}}).value().items.back().entry.detail;
  }
};

TEST_F(AcceptRiskTest, TheReasonForWhatIsBroadIsJournaled) {
  EXPECT_EQ(journaled(), R"({"version":1,"accept_risk":null})") << "nobody gave one";
  auto spec = integration_spec();
  spec.reasons.clear();
  spec.policy = R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";
  spec.accept_risk = "agreed \"in writing\" with Acme\\IT, caf\xc3\xa9";
  ASSERT_TRUE(registry().put_integration(actor(), spec));
  EXPECT_EQ(journaled(), R"({"version":2,"accept_risk":"agreed \"in writing\" with Acme\\IT, caf\u00e9"})");
  spec.accept_risk = std::string(1'000, '"');
  ASSERT_TRUE(registry().put_integration(actor(), spec));
  EXPECT_EQ(journaled().find("clipped"), std::string::npos) << "the longest fits";
}

}  // namespace
}  // namespace deputy::registry
