#pragma once

#include <vector>

#include "policy/policy.hpp"

namespace deputy::policy {

// The Condition element, appended to `conditions`. A value that its operator cannot read is an error, but
// where a policy variable supplies it.
Result<void> read_conditions(const json::Value& value, Version version, std::vector<Condition>& conditions);

// A string taken apart at its policy variables; without any under version 2008-10-17.
Result<VariableText> read_variable_text(const json::Value& value, Version version);

}  // namespace deputy::policy
