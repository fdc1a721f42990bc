// Group C: one tenant reaches, or learns about, what is another's. Class 45 (verification as an oracle) is
// here too.
#include "support/broker_fixture.hpp"
#include "threats/verification.hpp"

#include <gmock/gmock.h>
#include <set>

#include "registry/external_id.hpp"

namespace deputy {
namespace {

using registry::VerificationOutcome;
using std::chrono::milliseconds;

// All that a customer gets to see of a run, and how long it took.
struct Seen {
  std::string checks;
  milliseconds took{};
  VerificationOutcome outcome = VerificationOutcome::inconclusive;
  bool operator==(const Seen&) const = default;
};

class Oracle : public VerificationThreat {
 protected:
  // Answers take a moment, so that the number of calls shows in the time.
  static Task<void> pause(EventLoop& loop) { co_await sleep_for(loop, milliseconds{130}, std::stop_token{}); }

  Seen see(const ScriptedRole::Accepts& accepts, verify::Target what) {
    FakeClock own_clock;
    ManualLoop own_loop{own_clock};
    SeededRandom own_random{++seed_};
    FakeSts own_sts;
    own_sts.before_answer = [&own_loop]() -> Task<void> { return pause(own_loop); };
    ScriptedRole own_role{own_sts, own_clock, acme_role};
    own_role.accepts = accepts;
    FakeIam own_iam = iam;
    own_iam.before_answer = own_sts.before_answer;
    own_role.identity = identity;
    own_role.trouble = trouble;
    verify::Verifier own{own_loop, own_clock, own_random, {own_sts, own_iam, calls}, base, {}};
    const auto began = own_clock.steady_now();
    const auto report = own_loop.run_through_time(own.run(std::move(what), std::stop_token{}));
    Seen seen{.took = std::chrono::duration_cast<milliseconds>(own_clock.steady_now() - began),
              .outcome = report.outcome};
    sha256_shown = false;
    for (const registry::Check& check : report.checks) {
      sha256_shown |= check.evidence && !check.evidence->trust_policy_sha256.empty();
      seen.checks += check.name + "|" + std::to_string(static_cast<int>(check.result)) + "|" + check.message +
                     "|" + check.mend.value_or("-") + "|" +
                     (check.evidence ? check.evidence->aws_error_code + "," + check.evidence->aws_request_id +
                                           "," + to_rfc3339_millis(check.evidence->at)
                                     : "-") +
                     "\n";
    }
    if (report.account_id) seen.checks += "account shown\n";
    role_answered = report.role_answered;
    concealed_failure = report.concealed_failure;
    return seen;
  }
  verify::Target foreign() const {
    verify::Target what = target();
    what.conceal = true;
    return what;
  }

  std::optional<RoleArn> identity;
  ScriptedRole::Trouble trouble;
  bool sha256_shown = false;
  bool role_answered = false;
  std::string concealed_failure;

 private:
  std::uint64_t seed_ = 0;
};

// Classes 20 and 45: Mallory names a role in an account that is another tenant's. Whatever that role answers,
// she reads word for word what a role that does not exist gives, and after the same time.
TEST_F(Oracle, AForeignRoleAnswersLikeAMissingOne) {
  const Seen missing = see(nullptr, target());
  ASSERT_EQ(missing.outcome, VerificationOutcome::failed);
  EXPECT_EQ(see(nullptr, foreign()), missing);
  EXPECT_FALSE(role_answered);
  EXPECT_EQ(see(ScriptedRole::anything(), foreign()), missing) << "open";
  EXPECT_TRUE(role_answered) << "what the registry alone hears";
  EXPECT_EQ(concealed_failure, "external_id_required") << "what the journal alone says";
  EXPECT_EQ(see([](const auto& id) { return id.has_value(); }, foreign()), missing) << "any external ID";
  EXPECT_EQ(see([](const auto& id) { return id && id->text().starts_with("3f2a9c4e"); }, foreign()), missing)
      << "prefix";
  EXPECT_EQ(see(ScriptedRole::only(ExternalId::parse("another-tenants-id").value()), foreign()), missing)
      << "safe, with its tenant's own ID";
}

TEST_F(Oracle, AForeignRoleThatFailsLateAnswersLikeAMissingOne) {
  const Seen missing = see(nullptr, target());
  identity = RoleArn::parse("arn:aws:iam::999999999999:role/acme-reader").value();
  EXPECT_EQ(see(ScriptedRole::only(acme_id), foreign()), missing) << "another account answers";
  identity.reset();

  verify::Target proof = foreign();
  proof.require_proof = true;
  EXPECT_EQ(see(ScriptedRole::only(acme_id), proof), missing) << "proof is required";

  int successes = 0;
  trouble = [&](const auto& call) -> std::optional<aws::AwsError> {
    if (call.request.external_id == acme_id && ++successes > 1) return FakeSts::denial();
    return std::nullopt;
  };
  EXPECT_EQ(see(ScriptedRole::only(acme_id), foreign()), missing) << "changed during the check";
}

TEST_F(Oracle, AForeignRoleInARotationAnswersLikeAMissingOne) {
  verify::Target what = target();
  what.next_external_id = ExternalId::parse("9d0c5b7a-1e2f-4a3b-8c4d-5e6f7a8b9c0d").value();
  const Seen missing = see(nullptr, what);
  what.conceal = true;
  EXPECT_EQ(see(ScriptedRole::anything(), what), missing);
}

// The same for what only reading finds: that the role lets in Mallory's ID at all is what a denial hides, and
// so is whom else its trust policy names.
TEST_F(Oracle, AForeignRoleWhosePolicyIsOpenAnswersLikeAMissingOne) {
  const Seen missing = see(nullptr, target());
  iam.role = aws::RoleDetails{acme_role, trust_under({only_id(acme_id), from_2099})};
  EXPECT_EQ(see(ScriptedRole::only(acme_id), foreign()), missing) << "a hidden door";
  iam.role->trust_policy = "not a policy";
  EXPECT_EQ(see(ScriptedRole::only(acme_id), foreign()), missing) << "not a policy";
  iam.role->trust_policy =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*"}]})";
  EXPECT_EQ(see(ScriptedRole::only(acme_id), foreign()), missing) << "not settled";
  iam.role =
      aws::RoleDetails{RoleArn::parse("arn:aws:iam::111122223333:role/team/acme-reader").value(), "{}"};
  EXPECT_EQ(see(ScriptedRole::only(acme_id), foreign()), missing) << "another role";
  iam.role.reset();
  verify::Target proof = foreign();
  proof.require_proof = true;
  EXPECT_EQ(see(ScriptedRole::only(acme_id), proof), missing) << "not readable, and proof is required";
  verify::Target needy = foreign();
  needy.needs =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]})";
  iam.inline_policies = std::map<std::string, std::string>{};
  iam.attached = std::vector<std::string>{};
  iam.role = aws::RoleDetails{acme_role, trust_under({only_id(acme_id)})};
  EXPECT_EQ(see(ScriptedRole::only(acme_id), needy), missing) << "a permission is missing";
}

// A foreign role that passes goes to review. Until the partner has looked, whoever named it reads nothing of
// what its policies name, not even their hash.
TEST_F(Oracle, AForeignRoleThatPassesShowsNothingOfItsPolicies) {
  verify::Target what = foreign();
  what.needs =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]})";
  iam.inline_policies = std::map<std::string, std::string>{};
  (*iam.inline_policies)["acmes-secret-project"] = R"({"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["s3:ListAllMyBuckets","s3:GetObject"],"Resource":"*"}]})";
  iam.attached = std::vector<std::string>{};
  iam.role = aws::RoleDetails{acme_role, R"({"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/deputy-broker"},"Action":"sts:AssumeRole",
     "Condition":{"StringEquals":{"sts:ExternalId":")" +
                                             acme_id.text() + R"("}}},
    {"Effect":"Allow","Principal":{"Service":"acmes-supplier.amazonaws.com"},"Action":"sts:AssumeRole"}]})"};
  const Seen shown = [&] {
    verify::Target own = what;
    own.conceal = false;
    return see(ScriptedRole::only(acme_id), own);
  }();
  ASSERT_EQ(shown.outcome, VerificationOutcome::passed);
  EXPECT_NE(shown.checks.find("acmes-secret-project"), std::string::npos);
  const Seen hidden = see(ScriptedRole::only(acme_id), what);
  ASSERT_EQ(hidden.outcome, VerificationOutcome::passed);
  for (const char* detail : {"acmes", "GetObject", "supplier"})
    EXPECT_EQ(hidden.checks.find(detail), std::string::npos) << detail;
  EXPECT_EQ(sha256_shown, false);
}

// What AWS leaves open does not depend on the role: it is told as it would be for a missing one.
TEST_F(Oracle, TroubleInAForeignRoleLooksLikeTroubleBeforeIt) {
  trouble = [](const auto&) { return std::optional{FakeSts::throttle()}; };
  Seen before = see(nullptr, target());
  bool first = true;
  trouble = [&](const auto&) -> std::optional<aws::AwsError> {
    if (std::exchange(first, false)) return std::nullopt;
    return FakeSts::throttle();
  };
  Seen after = see(ScriptedRole::anything(), foreign());
  const auto without_times = [](std::string text) {
    for (std::size_t at = 0; (at = text.find("2026-01-01T", at)) != std::string::npos;) text.erase(at, 24);
    return text;
  };
  EXPECT_EQ(without_times(after.checks), without_times(before.checks));
  EXPECT_EQ(after.outcome, VerificationOutcome::inconclusive);
}

using Issuing = BrokerFixture;
using std::chrono::seconds;

// Class 21: another tenant's connection, by its identifier. It is as if it did not exist.
TEST_F(Issuing, AnotherTenantsConnectionIsNotThere) {
  const auto acme = connect("Acme");
  const auto globex = connect("Globex");
  const auto narrow = workload("narrow", {registry::Grant{.tenants = std::vector{globex.tenant_id}}});
  ASSERT_TRUE(issue(workload("wide", {everything()}), acme.id));  // so that it is in the cache
  const auto foreign = issue(narrow, acme.id);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().kind, ErrorKind::not_found);
  const auto made_up = ConnectionId::draw(seeded);
  const auto missing = issue(narrow, made_up);
  std::string expected = missing.error().message;
  expected.replace(expected.find(made_up.text()), made_up.text().size(), acme.id.text());
  EXPECT_EQ(foreign.error().message, expected);
}

// Class 22: a cache entry is shared across tenants, ARNs, IDs, policies or versions. Many tenants at once,
// with hits, joined misses, revocations and new external IDs in between: everybody gets a session of exactly
// their own role under the external ID of that moment.
class ManyTenants : public BrokerFixture {
 protected:
  static constexpr int tenants = 500;

  ManyTenants() {
    sts.on_assume_role = [this](const FakeSts::AssumeRoleCall& call) -> aws::AwsResult<aws::AssumedRole> {
      auto session = FakeSts::session(call.request, clock().now() + call.request.duration);
      session.credentials.session_token = SecretString{
          made_for(call.request.role_arn, *call.request.external_id, call.request.session_name.text())};
      return session;
    };
    EXPECT_TRUE(store().write([this](registry::Transaction& tx) { return insert_all(tx); }));
    EXPECT_EQ(all.size(), static_cast<std::size_t>(tenants));
    for (const char* name : {"collector", "reporter"}) keys.push_back(workload(name, {everything()}));
  }

  static std::string made_for(const RoleArn& role, const ExternalId& id, const std::string& session_name) {
    return role.account().text() + "/" + id.text() + "/" + session_name;
  }
  Result<void> insert_all(registry::Transaction& tx) {
    all.clear();
    for (int i = 0; i < tenants; ++i) {
      DEPUTY_TRY(auto connection, insert_active(tx, std::to_string(300'000'000'000 + i)));
      all.push_back(std::move(connection));
    }
    return success();
  }
  // A new external ID, as after a rotation, and the broker is told.
  void rebind(registry::Connection& connection) {
    const auto id = registry::issue_external_id(random());
    ASSERT_TRUE(store().write([&](registry::Transaction& tx) -> Result<void> {
      DEPUTY_TRY(auto stored, tx.find_connection(connection.id));
      DEPUTY_TRY(tx.claim_external_id(id, connection.id));
      stored->external_id = id;
      ++stored->binding_version;
      return tx.update(*stored);
    }));
    broker->revoke(connection.id);
    connection.external_id = id;
  }
  // Looks at the moment at which the credentials come.
  static Task<void> ask(ManyTenants& test, std::size_t which, std::size_t workload, std::string suffix) {
    broker::CredentialOptions options;
    if (!suffix.empty()) options.session_name = suffix;
    const auto& key = test.keys.at(workload);
    const auto issued = co_await test.broker->issue(request(key, test.all[which].id, options));
    const registry::Connection& connection = test.all[which];
    EXPECT_TRUE(issued) << issued.error().message;
    if (!issued) co_return;
    const std::string session_name =
        connection.id.text() + "@" + key.workload->text() + (suffix.empty() ? "" : "." + suffix);
    EXPECT_EQ(issued.value().credentials->session_token.reveal(),
              made_for(*connection.role_arn, connection.external_id, session_name));
    EXPECT_EQ(issued.value().account_id, connection.role_arn->account());
    EXPECT_EQ(issued.value().issuance.tenant_id, connection.tenant_id);
    ++test.answered;
  }
  std::size_t pick(std::size_t bound) { return uniform(seeded, bound); }

  std::vector<registry::Connection> all;
  std::vector<registry::Key> keys;
  std::size_t answered = 0;
};

TEST_F(ManyTenants, NobodyEverGetsAnothersCredentials) {
  std::size_t asked = 0;
  for (int round = 0; round < 20; ++round) {
    TaskGroup group;
    gate.close();
    std::vector<std::size_t> touched;
    for (int i = 0; i < 25; ++i) {
      // Some connections again and again, so that there are hits and joins.
      const std::size_t which = pick(2) == 0 ? pick(8) : pick(all.size());
      touched.push_back(which);
      group.spawn(ask(*this, which, pick(keys.size()), pick(4) == 0 ? "job" : ""));
      ++asked;
    }
    settle();
    for (int i = 0; i < 3; ++i) rebind(all[touched[pick(touched.size())]]);
    if (pick(4) == 0) broker->revoke(*keys[pick(keys.size())].workload);
    gate.open();
    loop.run(group.join());
    clock().advance(std::chrono::minutes{static_cast<int>(pick(12))});
  }
  EXPECT_EQ(answered, asked);
  EXPECT_GT(broker->counts().hits, 0U);
  EXPECT_GT(broker->counts().joins, 0U);
}

// Class 24: a tenant's noise starves others. A connection that asks for ever new sessions gets its share of
// the calls to STS, and no more.
TEST_F(Issuing, ANoisyConnectionDoesNotStarveOthers) {
  start_broker({.region = Region::parse("eu-central-1").value(), .sts_rate = 20});
  const auto noisy = connect("Noisy");
  const auto quiet = connect("Quiet");
  const auto collector = workload("collector", {everything()});
  std::vector<std::unique_ptr<Ongoing>> flood;
  for (int i = 0; i < 60; ++i)
    flood.push_back(begin(request(collector, noisy.id, {.session_name = "job-" + std::to_string(i)})));
  settle();
  EXPECT_TRUE(issue(collector, quiet.id));
  loop.advance(seconds{3});
  for (const auto& each : flood) std::ignore = end(*each);
}

// Class 24: a customer whose role is broken does not eat the quota with one and the same question.
TEST_F(Issuing, ABrokenRoleIsAskedOnceInAWhile) {
  const auto acme = connect("Acme");
  const auto collector = workload("collector", {everything()});
  sts.on_assume_role = [](const auto&) -> aws::AwsResult<aws::AssumedRole> { return FakeSts::denial(); };
  for (int i = 0; i < 50; ++i) EXPECT_EQ(issue(collector, acme.id).error().kind, ErrorKind::role_denied);
  EXPECT_EQ(sts.assume_role_calls.size(), 1U);
}

// Class 25: off-boarding leaves cached access.
TEST_F(Issuing, AfterDisconnectingNothingIsLeft) {
  const auto acme = connect("Acme");
  const auto collector = workload("collector", {everything()});
  ASSERT_TRUE(issue(collector, acme.id));
  ASSERT_TRUE(registry().disconnect(actor(), acme.id));
  broker->revoke(acme.id);
  EXPECT_EQ(broker->counts().entries, 0U);
  EXPECT_EQ(issue(collector, acme.id).error().kind, ErrorKind::connection_disconnected);
  EXPECT_EQ(issuances(acme.id).size(), 1U);
}

// Class 26: a session name or tag built from a hostile tenant name. Opaque identifiers only: the names do not
// occur.
TEST_F(Issuing, NothingOfATenantsNameReachesAws) {
  auto acme = registry()
                  .create_tenant(actor(), {"evil@admin,root=1", "partner-ref@evil"}, std::nullopt)
                  .value()
                  .value;
  const auto connection = connect(acme, RoleArn::parse("arn:aws:iam::444455556666:role/reader").value());
  ASSERT_TRUE(issue(workload("collector", {everything()}), connection.id));
  const auto& asked = sts.assume_role_calls.at(0).request;
  EXPECT_EQ(asked.session_name.text(), connection.id.text() + "@collector");
  EXPECT_TRUE(asked.tags.empty());
  EXPECT_FALSE(asked.source_identity.has_value());
}

}  // namespace
}  // namespace deputy
