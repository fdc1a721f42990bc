// Group B: the check itself is missing, fooled or raced.
#include "support/broker_fixture.hpp"
#include "support/gate.hpp"
#include "support/service_fixture.hpp"
#include "support/source_folder.hpp"
#include "threats/verification.hpp"

#include <boost/json.hpp>
#include <fstream>
#include <gmock/gmock.h>
#include <set>
#include <sstream>

#include "aws/sigv4.hpp"
#include "policy/decision.hpp"

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
  const std::string& id = acme_id.text();
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

// The shapes of corpus/trust-policies behind the probes: the role lets in whom the policy engine says that
// its trust policy lets in, at this time, from this address, under this session name. Its trust policy is
// readable.
class Shapes : public Check {
 protected:
  struct Shape {
    std::string id, document;
    std::set<std::string> verdicts;
  };

  Shapes() {
    std::ifstream file{in_source_folder("corpus/trust-policies/cases.json")};
    std::stringstream text;
    text << file.rdbuf();
    const boost::json::value corpus = boost::json::parse(text.str());
    const auto text_of = [](const boost::json::value& value) { return std::string{value.as_string()}; };
    issued = ExternalId::parse(text_of(corpus.at("external_id"))).value();
    for (const boost::json::value& value : corpus.at("cases").as_array()) {
      const boost::json::object& one = value.as_object();
      const std::string document =
          one.contains("text") ? text_of(one.at("text")) : boost::json::serialize(one.at("policy"));
      Shape shape{
          text_of(one.at("id")),
          in_our_account(policy::decode_document(document).value(), text_of(corpus.at("customer_account"))),
          {text_of(one.at("verdict"))}};
      if (one.contains("also_accepted"))
        for (const auto& verdict : one.at("also_accepted").as_array())
          shape.verdicts.insert(text_of(verdict));
      shapes.push_back(std::move(shape));
    }
  }

  static std::string in_our_account(std::string document, const std::string& account) {
    for (std::size_t at = 0; (at = document.find(account, at)) != std::string::npos;)
      document.replace(at, account.size(), acme_role.account().text());
    return document;
  }

  registry::VerificationReport verified(const Shape& shape, bool readable) {
    iam.role.reset();
    if (readable) iam.role = aws::RoleDetails{acme_role, aws::uri_encode(shape.document, false)};
    const auto policy = policy::Policy::read(shape.document, policy::PolicyKind::trust);
    role.accepts = [&](const std::optional<ExternalId>& id) {
      return policy && policy::evaluate(policy.value(), probe(id)).allowed();
    };
    verify::Target what = target();
    what.external_id = issued;
    return run(std::move(what));
  }

  policy::Request probe(const std::optional<ExternalId>& id) const {
    policy::Request request{.caller = {.account = "111111111111",
                                       .arn = "arn:aws:sts::111111111111:assumed-role/deputy-broker/deputy",
                                       .role_arn = partner_role.text(),
                                       .unique_id = "AROAPARTNER:deputy",
                                       .service = {}},
                            .action = "sts:AssumeRole",
                            .resource = acme_role.text(),
                            .context = {{"aws:CurrentTime", {to_rfc3339(clock.now())}},
                                        {"aws:SourceIp", {"203.0.113.7"}},
                                        {"aws:SecureTransport", {"true"}},
                                        {"sts:RoleSessionName", {"con_aaaaaaaaaaaaaaaaaaaaaaaa@verify"}}}};
    policy::add_principal_keys(request);
    if (id) request.context.push_back({"sts:ExternalId", {id->text()}});
    return request;
  }

  static bool probes_passed(const registry::VerificationReport& report) {
    for (const char* name : {"role_assumable", "external_id_required", "external_id_exact",
                             "role_still_assumable", "account_matches"})
      if (result(report, name) != CheckResult::passed) return false;
    return true;
  }

  ExternalId issued = acme_id;
  std::vector<Shape> shapes;
};

// Classes 10 and 15, and what lies behind 11, 14 and 19: an open role never passes where its trust policy can
// be read, whatever the probes say; and those that are safe are proved.
TEST_F(Shapes, EveryShapeEndsAsItsVerdictSays) {
  int proved = 0;
  for (const Shape& shape : shapes) {
    const auto report = verified(shape, true);
    const bool is_safe = shape.verdicts.contains("safe");
    if (!is_safe) EXPECT_NE(report.outcome, VerificationOutcome::passed) << shape.id;
    if (shape.verdicts == std::set<std::string>{"unsafe"} ||
        shape.verdicts == std::set<std::string>{"invalid"})
      EXPECT_EQ(report.outcome, VerificationOutcome::failed) << shape.id;
    // One that is bound to an address is safe, and does not work from here.
    const bool works = result(report, "role_assumable") == CheckResult::passed;
    if (shape.verdicts == std::set<std::string>{"safe"} && works) {
      ++proved;
      EXPECT_EQ(report.outcome, VerificationOutcome::passed) << shape.id;
      EXPECT_EQ(report.proof, registry::Proof::proved) << shape.id;
    }
    if (report.proof == registry::Proof::proved)
      EXPECT_EQ(result(report, "trust_policy"), CheckResult::passed) << shape.id;
  }
  EXPECT_GT(proved, 12);
}

// The shapes that pass every probe. That they pass where nobody reads the policy shows that it is the reading
// that finds them; and such a pass is never called proved.
TEST_F(Shapes, WhatPassesEveryProbeIsFoundByReading) {
  std::set<std::string> hidden;
  for (const Shape& shape : shapes) {
    if (!shape.verdicts.contains("unsafe")) continue;
    const auto unread = verified(shape, false);
    if (unread.outcome != VerificationOutcome::passed) continue;
    EXPECT_EQ(unread.proof, registry::Proof::probed) << shape.id;
    hidden.insert(shape.id);
    const auto read = verified(shape, true);
    EXPECT_TRUE(probes_passed(read)) << shape.id;
    EXPECT_EQ(read.outcome, VerificationOutcome::failed) << shape.id;
    EXPECT_EQ(result(read, "trust_policy"), CheckResult::failed) << shape.id;
  }
  for (const char* id : {"second-session-name", "second-ip", "second-source-identity", "foreign-account-too",
                         "web-identity-open"})
    EXPECT_TRUE(hidden.contains(id)) << id;
}

// Class 16, for reading: trouble of IAM is neither a proof nor a fault of the role's.
TEST_F(Check, TroubleOfIamIsNoProof) {
  iam.role = aws::RoleDetails{acme_role, trust_under({only_id(acme_id)})};
  ASSERT_EQ(run(target()).proof, registry::Proof::proved);
  for (const aws::AwsError& error :
       {FakeSts::throttle(), FakeSts::no_answer(),
        FakeSts::error(aws::AwsErrorClass::unavailable, 503, "ServiceUnavailable")}) {
    iam.trouble = [&](const auto&) { return std::optional{error}; };
    const auto report = run(target());
    EXPECT_EQ(report.outcome, VerificationOutcome::inconclusive) << error.code;
    EXPECT_EQ(report.proof, registry::Proof::none) << error.code;
  }
}

// Class 17, for reading: the role is read only after every denial, and never with what a wrong probe got.
TEST_F(Check, TheRoleIsReadOnlyAfterTheDenials) {
  role.accepts = ScriptedRole::anything();
  iam.role = aws::RoleDetails{acme_role, trust_under({only_id(acme_id)})};
  run(target());
  EXPECT_TRUE(iam.calls.empty());
  role.accepts = ScriptedRole::only(acme_id);
  std::size_t probes_before = 0;
  iam.trouble = [&](const auto&) -> std::optional<aws::AwsError> {
    probes_before = sts.assume_role_calls.size();
    return std::nullopt;
  };
  run(target());
  EXPECT_EQ(probes_before, sts.assume_role_calls.size());
  for (const auto& call : iam.calls) EXPECT_EQ(call.access_key_id, role.last_identity_key);
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

// Classes 11 and 19, where no probe sees it: a statement is added that opens in 2099. The next reading
// suspends.
TEST_F(Schedule, AHiddenDoorThatIsAddedLaterIsSuspended) {
  const auto acme = connect("Acme", acme_role);
  trust[acme_role.text()] = only(acme);
  iam.role = aws::RoleDetails{acme_role, trust_under({only_id(acme.external_id)})};
  service->start();
  settle();
  ASSERT_EQ(state(acme), ConnectionState::active);
  EXPECT_EQ(registry().connection(acme.id).value().proof, registry::Proof::proved);
  iam.role->trust_policy = trust_under({only_id(acme.external_id), from_2099});
  pass_time(std::chrono::hours{24});
  EXPECT_EQ(state(acme), ConnectionState::suspended);
  EXPECT_EQ(registry().connection(acme.id).value().proof, registry::Proof::none);
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
