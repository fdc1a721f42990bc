#include "broker/session_source.hpp"

#include "support/fake_clock.hpp"
#include "support/fake_random.hpp"

#include <functional>
#include <gtest/gtest.h>
#include <set>

namespace deputy::broker {
namespace {

struct Parts {
  registry::Connection connection;
  std::string caller;
  SessionOrder order;
};

class SessionKeyTest : public testing::Test {
 protected:
  Parts parts() {
    return {.connection = {.id = acme,
                           .tenant_id = TenantId::draw(random),
                           .integration = IntegrationName::parse("log-reader").value(),
                           .external_id = ExternalId::parse("id-1").value()},
            .caller = "collector",
            .order = {.request = {.role_arn = RoleArn::parse("arn:aws:iam::222222222222:role/reader").value(),
                                  .session_name = SessionName::parse("session").value(),
                                  .external_id = ExternalId::parse("id-1").value()},
                      .region = Region::parse("eu-central-1").value(),
                      .connection = acme}};
  }
  static std::string key_of(const Parts& parts) {
    return session_key(parts.connection, parts.caller, parts.order);
  }

  SeededRandom random;
  ConnectionId acme = ConnectionId::draw(random);
};

// Threat 22: an entry shared across tenants, ARNs, IDs, policies or versions.
TEST_F(SessionKeyTest, EverythingThatMattersMakesAnotherKey) {
  const std::vector<std::function<void(Parts&)>> changes = {
      [](Parts&) {},
      [this](Parts& p) { p.connection.id = ConnectionId::draw(random); },
      [](Parts& p) { ++p.connection.binding_version; },
      [](Parts& p) { p.connection.integration = IntegrationName::parse("log-writer").value(); },
      [](Parts& p) { ++p.connection.integration_version; },
      [](Parts& p) { p.caller = "reporter"; },
      [](Parts& p) {
        p.order.request.role_arn = RoleArn::parse("arn:aws:iam::222222222222:role/other").value();
      },
      [](Parts& p) { p.order.request.external_id = ExternalId::parse("id-2").value(); },
      [](Parts& p) { p.order.request.external_id.reset(); },
      [](Parts& p) { p.order.request.session_name = SessionName::parse("session-2").value(); },
      [](Parts& p) { p.order.request.duration = std::chrono::seconds{1800}; },
      [](Parts& p) { p.order.request.session_policy = ""; },
      [](Parts& p) { p.order.request.session_policy = "{}"; },
      [](Parts& p) { p.order.request.source_identity = SessionName::parse("alice").value(); },
      [](Parts& p) { p.order.request.tags = {{"a", "b"}}; },
      [](Parts& p) { p.order.request.tags = {{"ab", ""}}; },
      [](Parts& p) { p.order.request.tags = {{"a", "b"}, {"c", "d"}}; },
      [](Parts& p) { p.order.region = Region::parse("us-east-1").value(); },
  };
  std::set<std::string> keys;
  for (const auto& change : changes) {
    Parts changed = parts();
    change(changed);
    keys.insert(key_of(changed));
  }
  EXPECT_EQ(keys.size(), changes.size());
}

TEST_F(SessionKeyTest, TheSameInAnyOrderOfTagsIsTheSame) {
  Parts one = parts();
  Parts two = one;
  one.order.request.tags = {{"a", "1"}, {"b", "2"}};
  two.order.request.tags = {{"b", "2"}, {"a", "1"}};
  EXPECT_EQ(key_of(one), key_of(two));
}

}  // namespace
}  // namespace deputy::broker
