#pragma once

#include "policy_spec/generator.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace deputy::policy_spec {

struct Tally {
  std::size_t documents = 0, taken = 0;  // read, and found valid
  std::size_t pairs = 0;                 // decisions of one policy, or of all together, on one request
  std::size_t allowed = 0, explicitly_denied = 0;  // of them
};

// Holds src/policy against the specification: which documents are taken, what each policy and all of them
// together decide on each request, and that a policy printed and read again is the same to both. The first
// difference in words, with all that is needed to see it again.
std::optional<std::string> difference(const Scene& scene, Tally& tally);

}  // namespace deputy::policy_spec
