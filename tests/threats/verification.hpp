#pragma once

#include "support/fake_iam.hpp"
#include "support/fake_random.hpp"
#include "support/manual_loop.hpp"
#include "support/scripted_role.hpp"

#include <gtest/gtest.h>
#include <string>

#include "verify/verifier.hpp"

namespace deputy {

inline const ExternalId acme_id = ExternalId::parse("3f2a9c4e-8b1d-4c6f-9e2a-7d5b1c0f8a63").value();
inline const RoleArn acme_role = RoleArn::parse("arn:aws:iam::111122223333:role/acme-reader").value();

inline const RoleArn partner_role = RoleArn::parse("arn:aws:iam::111111111111:role/deputy-broker").value();

// A trust policy that names the partner under each of these conditions, one statement for each.
inline std::string trust_under(const std::vector<std::string>& conditions) {
  std::string statements;
  for (const std::string& condition : conditions) {
    statements +=
        (statements.empty() ? "" : ",") + (R"({"Effect":"Allow","Principal":{"AWS":")" + partner_role.text() +
                                           R"("},"Action":"sts:AssumeRole","Condition":)" + condition + "}");
  }
  return R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
}
inline std::string only_id(const ExternalId& id) {
  return R"({"StringEquals":{"sts:ExternalId":")" + id.text() + R"("}})";
}
inline const std::string from_2099 = R"({"DateGreaterThan":{"aws:CurrentTime":"2099-01-01T00:00:00Z"}})";

// A verifier in front of one scripted role.
class VerificationThreat : public testing::Test {
 protected:
  VerificationThreat() { role.accepts = ScriptedRole::only(acme_id); }

  verify::Target target() const {
    return {.role_arn = acme_role,
            .external_id = acme_id,
            .region = Region::parse("eu-central-1").value(),
            .session_name = SessionName::parse("con_aaaaaaaaaaaaaaaaaaaaaaaa@verify").value(),
            .partner = verify::Partner{partner_role, {}}};
  }
  registry::VerificationReport run(verify::Target what) {
    return loop.run_through_time(verifier.run(std::move(what), std::stop_token{}));
  }
  static registry::CheckResult result(const registry::VerificationReport& report, std::string_view name) {
    for (const registry::Check& check : report.checks)
      if (check.name == name) return check.result;
    ADD_FAILURE() << "no check " << name;
    return registry::CheckResult::inconclusive;
  }

  FakeClock clock;
  ManualLoop loop{clock};
  SeededRandom random;
  FakeSts sts;
  ScriptedRole role{sts, clock, acme_role};
  FakeIam iam;
  FakeHarmlessCalls calls;
  FakeBaseCredentials base;
  verify::Verifier verifier{loop, clock, random, {sts, iam, calls}, base, {}};
};

}  // namespace deputy
