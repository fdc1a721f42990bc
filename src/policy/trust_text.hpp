#pragma once

#include <string>
#include <vector>

#include "policy/policy.hpp"

namespace deputy::policy {

// A trust policy of these statements as people write it: JSON, indented by two, lists of one as their
// element. ASCII alone, other characters escaped.
std::string to_indented_json(Version version, const std::string& id,
                             const std::vector<Statement>& statements);

// `statement 2 (`Sid`)`, or without a Sid the number alone.
std::string statement_title(std::size_t number, const std::string& sid);

}  // namespace deputy::policy
