#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "policy/policy.hpp"

namespace deputy::policy {

// A statement that grants more than an integration should ask a customer for.
struct Breadth {
  std::size_t statement = 0;  // its number, from 1
  std::string reason;         // in plain words, one line; names the statement and the pattern
};

// What is too broad in the Allow statements of an identity policy, one reason for each pattern at fault, in
// order:
// - NotAction, whatever it leaves out;
// - Action `*`, and any pattern that covers one of these, in any casing and spelling (`i*:*`, `sts:A*`):
//   an action of IAM or of AWS Organizations that writes, or sts:AssumeRole;
// - all verbs of a service (`s3:*`, `s3:*Object`) on every resource (`*`, `arn:aws:s3:::*`, NotResource).
// An action reads when its name starts with Get, List, Describe, Generate or Simulate; any other may write.
// Conditions do not make a statement narrow. Deny statements never count, and do not help either.
std::vector<Breadth> too_broad(const Policy& policy);

}  // namespace deputy::policy
