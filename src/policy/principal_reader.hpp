#pragma once

#include <vector>

#include "policy/policy.hpp"

namespace deputy::policy {

// The Principal or NotPrincipal element: `"*"`, or an object of AWS, Service, Federated and CanonicalUser.
// Wildcards inside a principal are errors.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
Result<std::vector<StatementPrincipal>> read_principals(const json::Value& value,
                                                        std::string_view element = "Principal");

// A principal as the document writes it.
std::string written(const StatementPrincipal& principal);

// The member of the Principal element that holds principals of this type; `AWS` for everyone.
std::string_view member_name(PrincipalType type);

// One string, or a list of at least one.
Result<std::vector<const json::Value*>> read_strings(const json::Value& value, std::string_view what);

// `{reason} at line …, column …`.
Error invalid_policy(std::string_view reason, json::Position position);

}  // namespace deputy::policy
