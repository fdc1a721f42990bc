// Group B: the check itself is missing, fooled or raced.
#include "support/broker_fixture.hpp"
#include "support/gate.hpp"
#include "support/service_fixture.hpp"
#include "threats/verification.hpp"

#include <gmock/gmock.h>

namespace deputy {
namespace {

using registry::CheckResult;
using registry::VerificationOutcome;
using Check = VerificationThreat;

// Class 10: no enforcement check. A role that trusts the partner without the external ID never passes.
TEST_F(Check, ARoleWithoutTheConditionIsRejected) {
  role.accepts = [](const auto& id) { return !id || *id == acme_id; };
  EXPECT_EQ(run(target()).outcome, VerificationOutcome::failed);
  role.accepts = ScriptedRole::anything();
  EXPECT_EQ(run(target()).outcome, VerificationOutcome::failed);
}

// Class 14: the probe differs from production. Every probe asks in one form, and it is that of production:
// Region, session name, no tags, no source identity, the partner's own credentials.
TEST_F(Check, ProbesAskAsProductionDoes) {
  run(target());
  ASSERT_GE(sts.assume_role_calls.size(), 9U);
  for (const auto& call : sts.assume_role_calls) {
    EXPECT_EQ(call.request.role_arn, acme_role);
    EXPECT_EQ(call.request.session_name, target().session_name);
    EXPECT_EQ(call.region, target().region);
    EXPECT_TRUE(call.request.tags.empty());
    EXPECT_FALSE(call.request.source_identity.has_value());
    EXPECT_EQ(call.credentials.access_key_id, base.credentials.access_key_id);
  }
}

// Class 15: wildcards, other case, prefix or suffix accepted.
TEST_F(Check, ARoleThatComparesLooselyIsRejected) {
  const std::string id = acme_id.text();
  const auto lower = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  const std::vector<std::pair<const char*, std::function<bool(const std::string&)>>> loose = {
      {"*", [](const std::string&) { return true; }},
      {"StringEqualsIgnoreCase", [&](const std::string& given) { return lower(given) == id; }},
      {"ID*", [&](const std::string& given) { return given.starts_with(id); }},
      {"*ID", [&](const std::string& given) { return given.ends_with(id); }},
      {"3f2a9c4e-*", [&](const std::string& given) { return given.starts_with(id.substr(0, 8)); }},
      {"*1c0f8a63", [&](const std::string& given) { return given.ends_with(id.substr(28)); }},
      {"ID with ? at its end",
       [&](const std::string& given) {
         return given.size() == id.size() && given.starts_with(id.substr(0, 35));
       }},
  };
  for (const auto& [shape, accepts] : loose) {
    role.accepts = [&accept = accepts](const auto& given) { return given && accept(given->text()); };
    const auto report = run(target());
    EXPECT_EQ(report.outcome, VerificationOutcome::failed) << shape;
    EXPECT_EQ(result(report, "external_id_exact"), CheckResult::failed) << shape;
  }
}

// Class 16: an error or a time-out counted as a denial. An open role whose negative probes run into trouble
// stays inconclusive.
TEST_F(Check, TroubleIsNoDenial) {
  role.accepts = ScriptedRole::anything();
  using enum aws::AwsErrorClass;
  for (const aws::AwsError& error :
       {FakeSts::throttle(), FakeSts::no_answer(), FakeSts::error(unavailable, 500, "InternalFailure"),
        FakeSts::error(caller_credentials, 403, "ExpiredToken"), FakeSts::error(other, 403, "Forbidden"),
        FakeSts::error(region_disabled, 403, "RegionDisabledException"),
        FakeSts::error(invalid_request, 400, "ValidationError"),
        FakeSts::error(access_denied, 403, "accessdenied")}) {
    role.trouble = [&](const auto& call) -> std::optional<aws::AwsError> {
      if (call.request.external_id == acme_id) return std::nullopt;
      return error;
    };
    const auto report = run(target());
    EXPECT_EQ(report.outcome, VerificationOutcome::inconclusive) << error.code;
    EXPECT_EQ(result(report, "external_id_required"), CheckResult::inconclusive) << error.code;
  }
}

// Class 17: credentials of a probe that should have failed are used. What an open role gives makes no call,
// and a session policy that denies everything makes it worthless.
TEST_F(Check, WhatAnOpenRoleGivesIsWorthlessAndUnused) {
  role.accepts = ScriptedRole::anything();
  run(target());
  EXPECT_TRUE(sts.caller_identity_calls.empty());
  for (const auto& call : sts.assume_role_calls) {
    if (call.request.external_id == acme_id) continue;
    EXPECT_EQ(call.request.session_policy,
              R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]})");
    EXPECT_EQ(call.request.duration, std::chrono::seconds{900});
  }
}

// Class 17, the other half: no call is made with any credentials before all denials have passed.
TEST_F(Check, NoCredentialsAreUsedBeforeTheDenials) {
  std::size_t probes_before_use = 0;
  const auto answer = sts.on_get_caller_identity;
  sts.on_get_caller_identity = [&](const auto& call) {
    probes_before_use = sts.assume_role_calls.size();
    return answer(call);
  };
  EXPECT_EQ(run(target()).outcome, VerificationOutcome::passed);
  EXPECT_EQ(probes_before_use, sts.assume_role_calls.size());
}

// Class 18: a role that does not exist "passes" the negative probes.
TEST_F(Check, ARoleThatDoesNotExistPassesNothing) {
  role.accepts = nullptr;
  const auto report = run(target());
  EXPECT_EQ(report.outcome, VerificationOutcome::failed);
  for (const registry::Check& check : report.checks)
    EXPECT_NE(check.result, CheckResult::passed) << check.name;
}

// Class 18, the race: the role goes away during the check, so its denials were about nothing.
TEST_F(Check, ARoleThatGoesAwayDuringTheCheckPassesNoDenial) {
  role.trouble = [&](const auto&) -> std::optional<aws::AwsError> {
    if (sts.assume_role_calls.size() > 1) return FakeSts::denial();
    return std::nullopt;
  };
  const auto report = run(target());
  EXPECT_EQ(report.outcome, VerificationOutcome::inconclusive);
  EXPECT_NE(result(report, "external_id_required"), CheckResult::passed);
  EXPECT_NE(result(report, "external_id_exact"), CheckResult::passed);
}

using registry::ConnectionState;
using Schedule = ServiceFixture;
using Binding = BrokerFixture;

// Classes 11 and 19: checked only at the first set-up; the trust policy is loosened later. The schedule finds
// it and suspends; when it is mended, the connection works again.
TEST_F(Schedule, ARoleThatIsLoosenedLaterIsSuspended) {
  const auto acme = connect("Acme", acme_role);
  trust[acme_role.text()] = only(acme);
  service->start();
  settle();
  ASSERT_EQ(state(acme), ConnectionState::active);
  trust[acme_role.text()] = ScriptedRole::anything();
  pass_time(std::chrono::hours{24});
  EXPECT_EQ(state(acme), ConnectionState::suspended);
  EXPECT_EQ(changes.back().state, ConnectionState::suspended);
  trust[acme_role.text()] = only(acme);
  pass_time(std::chrono::hours{24});
  EXPECT_EQ(state(acme), ConnectionState::active);
}

// Class 13: the ARN is swapped while the check of the old one is running. Its outcome says nothing about the
// new one.
TEST_F(Schedule, AnArnSwappedDuringTheCheckIsNotPassedByIt) {
  const auto acme = connect("Acme", acme_role);
  trust[acme_role.text()] = only(acme);
  Gate gate{loop};
  gate.close();
  sts.before_answer = [&] { return gate.pass(); };
  service->start();
  settle();
  const RoleArn open_role = RoleArn::parse("arn:aws:iam::111122223333:role/open").value();
  trust[open_role.text()] = ScriptedRole::anything();
  ASSERT_TRUE(registry().set_role(actor(), acme.id, open_role));
  gate.open();
  settle();
  pass_time(std::chrono::minutes{11});
  EXPECT_EQ(registry().connection(acme.id).value().role_arn, open_role);
  EXPECT_EQ(state(acme), ConnectionState::rejected);
}

// Class 12: the ARN is swapped after the check. Nothing is issued until the new one has passed, not from the
// cache either.
TEST_F(Binding, AnArnSwappedAfterTheCheckGivesNothing) {
  const auto acme = connect("Acme");
  const auto collector = workload("collector", {everything()});
  ASSERT_TRUE(issue(collector, acme.id));
  const RoleArn other =
      RoleArn::parse("arn:aws:iam::" + acme.role_arn->account().text() + ":role/other").value();
  ASSERT_TRUE(registry().set_role(actor(), acme.id, other));
  // Even before anybody told the broker.
  EXPECT_EQ(issue(collector, acme.id).error().kind, ErrorKind::connection_not_active);
  broker->revoke(acme.id);
  EXPECT_EQ(issue(collector, acme.id).error().kind, ErrorKind::connection_not_active);
  clock().advance(std::chrono::minutes{1});
  verify_due(VerificationOutcome::passed);
  ASSERT_TRUE(issue(collector, acme.id));
  EXPECT_EQ(sts.assume_role_calls.back().request.role_arn, other);
}

// Class 13, on the other side: the ARN is swapped between the broker's look and its hand-out.
TEST_F(Binding, AnArnSwappedDuringAHandOutGivesNothing) {
  const auto acme = connect("Acme");
  const auto collector = workload("collector", {everything()});
  gate.close();
  const auto ongoing = begin(request(collector, acme.id));
  settle();
  const RoleArn other =
      RoleArn::parse("arn:aws:iam::" + acme.role_arn->account().text() + ":role/other").value();
  ASSERT_TRUE(registry().set_role(actor(), acme.id, other));
  gate.open();
  EXPECT_EQ(end(*ongoing).error().kind, ErrorKind::connection_not_active);
  EXPECT_TRUE(issuances(acme.id).empty());
}

// Class 14, from production's side: what the broker asks for by default differs from a probe in the session
// name's last part and the duration alone.
TEST_F(Binding, ProductionAsksAsTheProbesDo) {
  const auto acme = connect("Acme");
  ASSERT_TRUE(issue(workload("collector", {registry::Grant{}}), acme.id));
  const auto& asked = sts.assume_role_calls.at(0);
  EXPECT_TRUE(asked.request.session_name.text().starts_with(acme.id.text() + "@"));
  EXPECT_TRUE(asked.request.tags.empty());
  EXPECT_FALSE(asked.request.source_identity.has_value());
  EXPECT_FALSE(asked.request.session_policy.has_value());
  EXPECT_EQ(asked.region.text(), "eu-central-1");
}

}  // namespace
}  // namespace deputy
