#include "broker/entitlement.hpp"

#include "support/fake_clock.hpp"
#include "support/fake_random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deputy::broker {
namespace {

using registry::ConnectionState;
using registry::Grant;
using registry::GrantOption;
using registry::KeyRole;
using testing::HasSubstr;

class EntitlementTest : public testing::Test {
 protected:
  registry::Connection connection(ConnectionState state = ConnectionState::active) {
    return {.id = ConnectionId::draw(random),
            .tenant_id = TenantId::draw(random),
            .integration = IntegrationName::parse("log-reader").value(),
            .external_id = ExternalId::parse("3f2a9c4e-8b1d-4c6f-9e2a-7d5b1c0f8a63").value(),
            .role_arn = RoleArn::parse("arn:aws:iam::222222222222:role/reader").value(),
            .state = state,
            .verified_at = clock.now()};
  }
  CredentialRequest request(const registry::IssuingView& view, KeyRole role, CredentialOptions options = {}) {
    registry::Key key{.id = KeyId::draw(random), .role = role};
    if (role == KeyRole::workload) key.workload = collector;
    return {.actor = {"key", key.id.text(), ""},
            .key = std::make_shared<const registry::Key>(key),
            .connection_id = view.connection->id,
            .options = std::move(options)};
  }
  static std::shared_ptr<const registry::Key> narrowed(registry::Key key, const ConnectionId& connection) {
    key.connection_id = connection;
    return std::make_shared<const registry::Key>(std::move(key));
  }
  static std::shared_ptr<const registry::Workload> workload(const WorkloadName& name,
                                                            std::vector<Grant> grants) {
    return std::make_shared<registry::Workload>(registry::Workload{name, std::move(grants)});
  }
  registry::IssuingView view(std::vector<Grant> grants) {
    return {std::make_shared<registry::Connection>(connection()), workload(collector, std::move(grants))};
  }
  Result<Entitlement> entitled(const registry::IssuingView& what, CredentialOptions options = {}) {
    return entitle(request(what, KeyRole::workload, std::move(options)), what);
  }

  FakeClock clock;
  SeededRandom random;
  WorkloadName collector = WorkloadName::parse("collector").value();
};

TEST_F(EntitlementTest, AWorkloadNeedsAGrantThatCoversTheConnection) {
  EXPECT_TRUE(entitled(view({Grant{}})));
  EXPECT_EQ(entitled(view({})).error().kind, ErrorKind::not_found);
  EXPECT_EQ(entitled(view({Grant{.integration = IntegrationName::parse("other").value()}})).error().kind,
            ErrorKind::not_found);
  EXPECT_EQ(entitled(view({Grant{.tenants = std::vector{TenantId::draw(random)}}})).error().kind,
            ErrorKind::not_found);
  registry::IssuingView own = view({});
  own.workload = workload(collector, {Grant{.tenants = std::vector{own.connection->tenant_id}}});
  EXPECT_TRUE(entitled(own));
}

TEST_F(EntitlementTest, NobodyIsAWorkloadWithoutItsGrants) {
  registry::IssuingView gone = view({Grant{}});
  gone.workload.reset();
  EXPECT_EQ(entitled(gone).error().kind, ErrorKind::not_found);
  registry::IssuingView other = view({Grant{}});
  other.workload = workload(WorkloadName::parse("other").value(), {Grant{}});
  EXPECT_EQ(entitled(other).error().kind, ErrorKind::not_found);
}

TEST_F(EntitlementTest, EveryOptionNeedsItsOwnLeave) {
  const std::vector<std::pair<GrantOption, CredentialOptions>> all = {
      {GrantOption::duration, {.duration = std::chrono::seconds{1800}}},
      {GrantOption::session_policy, {.session_policy = "{}"}},
      {GrantOption::tags, {.tags = {{"team", "a"}}}},
      {GrantOption::session_name, {.session_name = "job-7"}},
      {GrantOption::source_identity, {.source_identity = SessionName::parse("alice").value()}},
      {GrantOption::region, {.region = Region::parse("us-east-1").value()}},
  };
  for (const auto& [option, options] : all) {
    const auto refused = entitled(view({Grant{}}), options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::forbidden);
    EXPECT_THAT(refused.error().message, HasSubstr(refused.error().field));
    EXPECT_TRUE(entitled(view({Grant{.may = {option}}}), options));
    for (const auto& [other, unused] : all)
      if (other != option) EXPECT_FALSE(entitled(view({Grant{.may = {other}}}), options));
  }
  EXPECT_TRUE(entitled(view({Grant{}}), {.reason = "nightly run"}));
}

TEST_F(EntitlementTest, AGrantsOwnPolicyIsForcedAndCannotBeReplaced) {
  const Grant forced{.may = {GrantOption::session_policy}, .session_policy = "forced"};
  EXPECT_EQ(entitled(view({forced})).value().session_policy, "forced");
  EXPECT_EQ(entitled(view({Grant{}, forced})).value().forced_by, "grants[1] of the workload `collector`");
  EXPECT_EQ(entitled(view({Grant{.may = forced.may}}), {.session_policy = "own"}).value().forced_by, "");
  const auto refused = entitled(view({forced}), {.session_policy = "own"});
  EXPECT_EQ(refused.error().kind, ErrorKind::forbidden);
  EXPECT_EQ(refused.error().field, "session_policy");
  EXPECT_THAT(refused.error().message, testing::AllOf(HasSubstr("forces a session policy of its own"),
                                                      testing::Not(HasSubstr("`may`"))));
}

// Threat: a forced policy that is escaped by naming an option that only another grant allows, or by the order
// in which the grants were written.
TEST_F(EntitlementTest, NoOptionOfAnotherGrantLeadsAroundAForcedPolicy) {
  const Region region = Region::parse("us-east-1").value();
  const Grant forcing{.session_policy = "forced"};
  const Grant free{.may = {GrantOption::region, GrantOption::session_policy}};
  for (const auto& grants : {std::vector{forcing, free}, std::vector{free, forcing}}) {
    const auto what = view(grants);
    EXPECT_EQ(entitled(what).value().session_policy, "forced");
    const auto elsewhere = entitled(what, {.region = region});
    ASSERT_FALSE(elsewhere);
    EXPECT_EQ(elsewhere.error().kind, ErrorKind::forbidden);
    EXPECT_EQ(elsewhere.error().field, "region");
    EXPECT_EQ(entitled(what, {.session_policy = "own"}).error().kind, ErrorKind::forbidden);
  }
  // One that covers another connection forces nothing here.
  Grant elsewhere = forcing;
  elsewhere.tenants = std::vector{TenantId::draw(random)};
  EXPECT_EQ(entitled(view({elsewhere, free}), {.session_policy = "own"}).value().session_policy, "own");
}

TEST_F(EntitlementTest, GrantsThatForceThePolicyAllowTogetherWhatEachAllows) {
  const Grant plain{.session_policy = "forced"};
  const Grant wider{.may = {GrantOption::region}, .session_policy = "forced"};
  const CredentialOptions options{.region = Region::parse("us-east-1").value()};
  EXPECT_EQ(entitled(view({plain, wider}), options).value().session_policy, "forced");
  EXPECT_EQ(entitled(view({wider, plain}), options).value().session_policy, "forced");
}

TEST_F(EntitlementTest, WhereGrantsForceDifferentPoliciesNobodyGetsAnything) {
  const Grant one{.session_policy = "one"};
  const Grant other{.may = {GrantOption::region}, .session_policy = "other"};
  const CredentialOptions with_region{.region = Region::parse("us-east-1").value()};
  for (const auto& grants : {std::vector{one, other, Grant{}}, std::vector{Grant{}, other, one}})
    for (const CredentialOptions& options : {CredentialOptions{}, with_region}) {
      const auto refused = entitled(view(grants), options);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().kind, ErrorKind::forbidden);
      EXPECT_THAT(refused.error().message, HasSubstr("different session policies"));
    }
}

TEST_F(EntitlementTest, TheOrderOfTheGrantsDecidesNothing) {
  const Grant region{.may = {GrantOption::region}};
  const Grant tags{.may = {GrantOption::tags}};
  const CredentialOptions both{.tags = {{"team", "a"}}, .region = Region::parse("us-east-1").value()};
  const auto one = entitled(view({region, tags}), both), other = entitled(view({tags, region}), both);
  EXPECT_EQ(one.error().kind, ErrorKind::forbidden);
  EXPECT_EQ(one.error().field, other.error().field);
  for (const CredentialOptions& options : {CredentialOptions{.tags = both.tags}, {.region = both.region}}) {
    EXPECT_TRUE(entitled(view({region, tags}), options));
    EXPECT_TRUE(entitled(view({tags, region}), options));
  }
}

TEST_F(EntitlementTest, OnlyWorkloadsAndAdminsGetCredentials) {
  const auto what = view({Grant{}});
  EXPECT_TRUE(entitle(request(what, KeyRole::admin), what));
  EXPECT_EQ(entitle(request(what, KeyRole::onboarding), what).error().kind, ErrorKind::forbidden);
  EXPECT_EQ(entitle(request(what, KeyRole::auditor), what).error().kind, ErrorKind::forbidden);
}

TEST_F(EntitlementTest, AKeyForOneConnectionDoesNotKnowOfOthers) {
  const auto what = view({Grant{}});
  for (const KeyRole role : {KeyRole::workload, KeyRole::admin}) {
    auto asked = request(what, role);
    asked.key = narrowed(*asked.key, what.connection->id);
    EXPECT_TRUE(entitle(asked, what));
    asked.key = narrowed(*asked.key, ConnectionId::draw(random));
    EXPECT_EQ(entitle(asked, what).error().message, no_such_connection(what.connection->id).message);
    EXPECT_EQ(check_key(asked).error().kind, ErrorKind::not_found);
  }
}

TEST_F(EntitlementTest, OnlyAnActiveFreshlyVerifiedConnectionIsUsed) {
  const auto max_age = std::chrono::hours{72};
  EXPECT_TRUE(check_state(connection(), clock.now(), max_age));
  EXPECT_EQ(check_state(connection(ConnectionState::disconnected), clock.now(), max_age).error().kind,
            ErrorKind::connection_disconnected);
  for (const auto state : {ConnectionState::awaiting_role, ConnectionState::verifying,
                           ConnectionState::rejected, ConnectionState::suspended, ConnectionState::in_review})
    EXPECT_EQ(check_state(connection(state), clock.now(), max_age).error().kind,
              ErrorKind::connection_not_active);
  EXPECT_TRUE(check_state(connection(), clock.now() + max_age, max_age));
  EXPECT_EQ(check_state(connection(), clock.now() + max_age + std::chrono::seconds{1}, max_age).error().kind,
            ErrorKind::verification_expired);
  auto never = connection();
  never.verified_at.reset();
  EXPECT_EQ(check_state(never, clock.now(), max_age).error().kind, ErrorKind::verification_expired);
}

TEST(CheckOptions, HoldsEachToAwssBounds) {
  const auto field_of = [](const CredentialOptions& options) {
    const auto checked = check_options(options);
    return checked ? std::string{} : checked.error().field;
  };
  EXPECT_EQ(field_of({}), "");
  EXPECT_EQ(field_of({.duration = std::chrono::seconds{1799}}), "duration_seconds");
  EXPECT_EQ(field_of({.duration = std::chrono::seconds{1800}}), "");
  EXPECT_EQ(field_of({.duration = std::chrono::seconds{43'200}}), "");
  EXPECT_EQ(field_of({.duration = std::chrono::seconds{43'201}}), "duration_seconds");
  const std::string policy =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]})";
  EXPECT_EQ(field_of({.session_policy = policy}), "");
  EXPECT_EQ(field_of({.session_policy = policy + std::string(2049 - policy.size(), ' ')}), "session_policy");
  for (const char* wrong :
       {"", "{", "[]", R"({"Version":"2012-10-17"})", R"({"Statement":[{"Effect":"Maybe"}]})"})
    EXPECT_EQ(field_of({.session_policy = wrong}), "session_policy") << wrong;
  EXPECT_EQ(field_of({.session_name = "j"}), "session_name");
  EXPECT_EQ(field_of({.session_name = std::string(33, 'j')}), "session_name");
  EXPECT_EQ(field_of({.session_name = "a b"}), "session_name");
  EXPECT_EQ(field_of({.tags = {{"a", "1"}, {"A", "2"}}}), "tags");
  EXPECT_EQ(field_of({.tags = {{"aws:x", "1"}}}), "tags");
  EXPECT_EQ(field_of({.tags = {{"", "1"}}}), "tags");
  EXPECT_EQ(field_of({.tags = {{std::string(129, 'k'), "1"}}}), "tags");
  EXPECT_EQ(field_of({.tags = {{"k", std::string(257, 'v')}}}), "tags");
  EXPECT_EQ(field_of({.reason = "line\nbreak"}), "reason");
  EXPECT_EQ(field_of({.reason = std::string(201, 'r')}), "reason");
  EXPECT_EQ(field_of({.session_policy = policy + "\x01"}), "session_policy");
}

// Threat: a tag that STS refuses, or that it takes for another one's.
TEST(CheckOptions, TagsAreOfTheCharactersThatStsTakes) {
  const auto is_taken = [](std::string key, std::string value) {
    return check_options({.tags = {{std::move(key), std::move(value)}}}).has_value();
  };
  EXPECT_TRUE(is_taken("Cost Centre_.:/=+-@", "A 1_.:/=+-@"));
  EXPECT_TRUE(is_taken("k", ""));
  EXPECT_TRUE(is_taken("m\xc3\xbcnchen", "\xe6\x9d\xb1\xe4\xba\xac"));
  std::string wide;
  for (int i = 0; i < 128; ++i) wide += "\xc3\xbc";
  EXPECT_TRUE(is_taken(wide, wide + wide));  // characters, not bytes
  EXPECT_FALSE(is_taken(wide + "k", ""));
  EXPECT_FALSE(is_taken("k", wide + wide + "v"));
  for (const char* wrong :
       {"a*", "a,b", "a\tb", "a\x7f", "a\\b", "<a>", "a\xc2\x85", "\xff", "\xc3", "\xe2\x82"}) {
    EXPECT_FALSE(is_taken(wrong, "")) << wrong;
    EXPECT_FALSE(is_taken("k", wrong)) << wrong;
  }
  // Symbols, format characters and private use are no letters.
  for (const char* wrong : {"\U0001f600", "\u200b", "\u202e", "\ue000", "\xed\xa0\x80"}) {
    EXPECT_FALSE(is_taken(wrong, "")) << wrong;
    EXPECT_FALSE(is_taken("k", wrong)) << wrong;
  }
  EXPECT_FALSE(check_options({.tags = {{"\u00c9", "1"}, {"\u00e9", "2"}}}));
  EXPECT_TRUE(check_options({.tags = {{"\u00c9", "1"}, {"\u00e8", "2"}}}));
  EXPECT_FALSE(is_taken("AWS:x", ""));
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 50; ++i) many.emplace_back("k" + std::to_string(i), "");
  EXPECT_TRUE(check_options({.tags = many}));
  many.emplace_back("k50", "");
  EXPECT_FALSE(check_options({.tags = many}));
}

}  // namespace
}  // namespace deputy::broker
