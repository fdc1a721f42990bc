#pragma once

#include <set>
#include <string>
#include <string_view>

#include "core/identifiers.hpp"
#include "policy/policy.hpp"

// Policies made ready for requests of which not every condition key is known beforehand: the address, the
// Region, the tags of a resource. The engine decides over a policy twice: in the reading that is kind to the
// caller and in the one that is not. Where both say the same, the unknown keys do not matter.
namespace deputy::verify {

enum class Attitude {
  generous,  // unknown conditions hold in an Allow and fail in a Deny
  strict,    // the other way round
};

struct Settling {
  Attitude attitude = Attitude::strict;
  std::set<std::string> known_keys;  // lower case: what the request carries
  bool any_resource = false;         // Allow statements count for every resource
};

// `document` is one that Policy::read took. A policy of which nothing is left allows and denies nothing.
policy::Policy settled(std::string_view document, policy::PolicyKind kind, const Settling& settling);

// The document as templates write it for a customer of this partition: ARNs of `aws` are the customer's
// partition's. `document` is one that Policy::read took.
std::string in_partition(std::string_view document, Partition partition);

}  // namespace deputy::verify
