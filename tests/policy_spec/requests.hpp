#pragma once

#include "policy_spec/choices.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "policy/analyzer.hpp"

namespace deputy::policy_spec {

// Requests for one trust policy, made of what the policy itself speaks of: its principals and their
// neighbours, its condition keys, its values and what lies beside them. Only what AWS can send: known keys
// keep to what policy/key_facts says of them.
class RequestMaker {
 public:
  // Both must outlive it.
  RequestMaker(const policy::Policy& trust_policy, const policy::TrustQuestion& question);

  // By anybody, with anything.
  policy::Request any(Choices& choices) const;
  // One that a role must refuse, whatever its policy says: from the partner without the issued ID, from a
  // foreign account, from behind a unique ID without the issued ID, from an identity provider for a subject
  // that is not listed.
  policy::Request wrong(Choices& choices) const;

 private:
  struct Key {
    std::string name;
    std::vector<std::string> values;  // that suit the key, of single values
  };

  void add_callers();
  void add_caller_named(const policy::StatementPrincipal& principal);
  void add_callers_meant(const policy::Condition& condition);
  void add_identities_of(const std::string& account);
  void add_caller(policy::Caller caller);
  void add_keys();
  bool is_partner(std::string_view account) const;
  bool is_own(std::string_view account) const;
  policy::Request about(Choices& choices, const policy::Caller& caller) const;
  void fill(Choices& choices, policy::Request& request) const;
  void set_external_id(Choices& choices, policy::Request& request, bool issued_too) const;

  const policy::Policy& policy_;
  const policy::TrustQuestion& question_;
  std::vector<policy::Caller> callers_;
  std::vector<policy::Caller> wrong_callers_;  // all but the role's own account and services
  std::vector<Key> keys_;
  std::vector<std::string> ids_;  // external IDs but for the issued and the tolerated ones
};

// As the specification reads it.
std::string to_json(const policy::Request& request);

}  // namespace deputy::policy_spec
