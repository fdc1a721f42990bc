#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/key_facts.hpp"
#include "policy/policy.hpp"

namespace deputy::policy {

// A trust policy taken apart for the analyzer: the condition keys that it speaks of, and for each statement
// its conditions by key. Points into the policy, which must outlive it. Immutable.
class PolicyView {
 public:
  explicit PolicyView(const Policy& policy);

  struct Key {
    std::string name;  // as first written
    KeyFacts facts;
  };
  struct Atom {
    const Condition* condition = nullptr;
    std::size_t key = 0;
    // Without its values that hold policy variables; nullptr when it has none.
    const Condition* without_variables = nullptr;
  };
  struct StatementView {
    const Statement* statement = nullptr;
    std::size_t number = 0;  // from 1
    std::vector<Atom> atoms;
    bool has_variables = false;
  };

  const Policy& policy() const { return *policy_; }
  const std::vector<StatementView>& statements() const { return statements_; }
  const std::vector<Key>& keys() const { return keys_; }
  // Nothing when the policy does not speak of the key, in conditions or variables. sts:ExternalId is always
  // there.
  std::optional<std::size_t> key(std::string_view name) const;

  // Nothing in it can be undecidable: only texts are compared, with plain values, of keys that have one
  // value. What is certain is then all that is possible.
  bool is_decidable() const { return decidable_; }

  static constexpr std::size_t external_id = 0;  // its key

 private:
  std::size_t add_key(std::string_view name);
  Atom take_apart(const Condition& condition);

  const Policy* policy_;
  std::vector<Key> keys_;
  std::vector<StatementView> statements_;
  std::deque<Condition> without_variables_;
  bool decidable_ = true;
};

// Whether the statement is about the action.
bool covers(const Statement& statement, std::string_view action);

}  // namespace deputy::policy
