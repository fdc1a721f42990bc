#pragma once

#include "json_mutation.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "json/reader.hpp"
#include "policy/analyzer.hpp"

// What the targets about trust policies share. The identities are those of corpus/trust-policies.
namespace deputy::fuzz {

inline policy::TrustQuestion question() {
  return {.partner_principal = RoleArn::parse("arn:aws:iam::111111111111:role/deputy-broker").value(),
          .partner_accounts = {},
          .role_account = AccountId::parse("222222222222").value(),
          .issued = {ExternalId::parse("4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42").value()},
          .tolerated = {}};
}

inline json::Value tree_of(const policy::Policy& policy) {
  return json::read(policy::print(policy), {.bytes_max = std::size_t{1} << 20U}).value();
}

inline json::Value& member(json::Value& object, std::string_view name) {
  return std::find_if(object.members.begin(), object.members.end(),
                      [&](const json::Member& one) { return one.name == name; })
      ->value;
}

// The policy with its statements the other way round.
inline std::string reversed(const policy::Policy& policy) {
  json::Value tree = tree_of(policy);
  auto& statements = member(tree, "Statement").elements;
  std::reverse(statements.begin(), statements.end());
  return written(tree);
}

// The policy, and the statements of the other one as Denies.
inline std::string with_denies(const policy::Policy& policy, const policy::Policy& denies) {
  json::Value tree = tree_of(policy), others = tree_of(denies);
  for (json::Value& statement : member(others, "Statement").elements) {
    std::erase_if(statement.members, [](const json::Member& one) { return one.name == "Sid"; });
    member(statement, "Effect").text = "Deny";
    member(tree, "Statement").elements.push_back(std::move(statement));
  }
  return written(tree);
}

}  // namespace deputy::fuzz
