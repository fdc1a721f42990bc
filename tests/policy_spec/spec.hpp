#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "json/reader.hpp"

// The executable specification of policy decisions: what the AWS documentation and docs/policy-semantics.md
// say, written down a second time, slow and plain, straight on the JSON as it was read. It shares nothing
// with src/policy: whatever both decide alike is held true for two reasons.
//
// A request is JSON as well: {"caller": {"account", "arn", "role_arn", "unique_id", "service", "federated",
// "canonical_user"}, "action", "resource", "context": {KEY: [VALUE, …]}}; what is left out is empty.
namespace deputy::policy_spec {

// What something may turn out to be: {true}, {false}, or both where nobody can say.
using Answer = std::set<bool>;

enum class Kind { identity, trust, session, boundary, resource };
enum class Outcome { allowed, explicitly_denied, implicitly_denied };

// Whether IAM, read strictly, takes the document.
bool is_valid(const json::Value& document, Kind kind);

// One valid policy alone.
Outcome judge(const json::Value& policy, Kind kind, const json::Value& request,
              bool caller_has_boundary = false);

// All that bears on a request; every document valid.
struct Situation {
  std::vector<const json::Value*> identity, session;
  const json::Value* boundary = nullptr;
  const json::Value* resource = nullptr;
  Kind resource_kind = Kind::resource;
  std::string resource_owner;
};
Outcome decide(const Situation& situation, const json::Value& request);

}  // namespace deputy::policy_spec
