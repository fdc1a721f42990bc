#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "policy/analyzer.hpp"

namespace deputy::policy {

// Longest text that a trust policy is looked for in: a Terraform state can be long.
inline constexpr std::size_t role_description_bytes_max = std::size_t{16} * 1024 * 1024;

// A role's trust policy as it stands in what tools say of the role.
struct TrustDocument {
  std::string document;                   // for `analyze`: bare or URL-encoded
  std::optional<AccountId> role_account;  // where the text has the role's ARN
};

// Takes:
// - the policy itself, bare, URL-encoded, or as a JSON string;
// - what `aws iam get-role` prints, or one role of its kind, or a list with one role;
// - `terraform show -json` of a plan or a state, a state file, and a configuration in JSON: the one role in
//   it;
// - a CloudFormation template in JSON: the one role in it.
// A resource of whatever type that has a trust policy counts as a role. Errors: `invalid_request` when
// several roles are there (naming them), none, what may make or change roles (a macro, `Fn::ForEach`), a
// policy that is not written out (a function, a dynamic reference, a value known after apply), or what is no
// JSON. Other JSON is taken for the policy itself, so that reading the policy says what is wrong with it.
// Pure; bounded by the length above.
Result<TrustDocument> find_trust_document(std::string_view text);

// Both: found, then analyzed; `invalid` with the finding `document_unclear`, and no mend, when there is none
// to analyze. The role's account as the text has it, unless the question does.
TrustAnalysis analyze_description(std::string_view text, TrustQuestion question);

}  // namespace deputy::policy
