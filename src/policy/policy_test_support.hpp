#pragma once

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/decision.hpp"

// Short spellings for the tests of this room.
namespace deputy::policy {

inline Policy read_good(std::string_view text, PolicyKind kind) {
  auto policy = Policy::read(text, kind);
  EXPECT_TRUE(policy.has_value()) << text << "\n" << (policy ? "" : policy.error().message);
  if (!policy) std::abort();
  return std::move(policy).value();
}

inline Policy policy_of(const std::string& statements, std::string_view version = "2012-10-17",
                        PolicyKind kind = PolicyKind::trust) {
  return read_good("{\"Version\":\"" + std::string{version} + "\",\"Statement\":[" + statements + "]}", kind);
}

inline Policy identity_policy(const std::string& statements, PolicyKind kind = PolicyKind::identity) {
  return policy_of(statements, "2012-10-17", kind);
}

inline std::string trust_statement(std::string_view effect, const std::string& principal,
                                   const std::string& condition) {
  return "{\"Effect\":\"" + std::string{effect} + "\",\"Principal\":" + principal +
         ",\"Action\":\"sts:AssumeRole\",\"Condition\":" + condition + "}";
}
inline std::string allow_statement(const std::string& condition) {
  return trust_statement("Allow", R"({"AWS":"111111111111"})", condition);
}
inline std::string deny_statement(const std::string& condition) {
  return trust_statement("Deny", R"({"AWS":"111111111111"})", condition);
}

inline Policy trusting(const std::string& condition, std::string_view version = "2012-10-17") {
  return policy_of(allow_statement(condition), version);
}
inline Policy refusing(const std::string& condition) {
  return policy_of(allow_statement("{}") + "," + deny_statement(condition));
}
inline Policy trusting_principal(const std::string& principal) {
  return policy_of(trust_statement("Allow", principal, "{}"));
}

// The partner's role session, asking for the customer's role.
inline Request asking(std::vector<ContextKey> context) {
  return {{"111111111111", "arn:aws:sts::111111111111:assumed-role/deputy-broker/probe",
           "arn:aws:iam::111111111111:role/team/deputy-broker", "AROAEXAMPLEEXAMPLE01:probe", ""},
          "sts:AssumeRole",
          "arn:aws:iam::222222222222:role/customer",
          std::move(context)};
}

inline Request request_for(std::string_view action, std::string_view resource) {
  Request request = asking({});
  request.action = action;
  request.resource = resource;
  return request;
}

}  // namespace deputy::policy
