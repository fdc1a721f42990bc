#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/identifiers.hpp"
#include "policy/decision.hpp"

// Does this role really require the external ID? Not by samples: over absence and every possible external ID,
// every caller, and every setting of the other condition keys.
namespace deputy::policy {

// What a trust policy is held against.
struct TrustQuestion {
  RoleArn partner_principal;
  std::vector<AccountId> partner_accounts;  // beside the principal's own
  std::optional<AccountId>
      role_account;  // of the role itself; unknown: any account not the partner's is foreign
  // At least one: each must be accepted from the partner principal, under some setting of the other keys.
  std::vector<ExternalId> issued;
  // May be accepted and need not be: the next ID before the customer lists it, the old one while it retires.
  std::vector<ExternalId> tolerated;
};

enum class TrustVerdict {
  safe,     // exactly the issued IDs are accepted from the partner, and nobody else comes in
  unsafe,   // a request that should be refused is accepted, or that none is could not be shown
  denied,   // fails closed: an issued ID is not accepted, and nothing wrong is
  invalid,  // no trust policy that IAM takes
};
std::string_view to_text(TrustVerdict verdict);

// What speaks for the verdict (of its own weight), or is worth knowing about a safe policy (`note`).
enum class FindingWeight { note, denied, unsafe, invalid };
std::string_view to_text(FindingWeight weight);

struct TrustFinding {
  std::string code;  // stable, snake_case; listed in docs/analyze.md
  FindingWeight weight = FindingWeight::note;
  std::string message;                   // plain words, one line, for the customer's administrator
  std::optional<std::size_t> statement;  // its number from 1; none when it is about the whole
};

struct TrustAnalysis {
  TrustVerdict verdict = TrustVerdict::unsafe;
  std::vector<TrustFinding> findings;  // those of the verdict's weight first, then notes; at most 64
  // For `unsafe`: a request that `evaluate` allows and should not. None where safety could only not be shown.
  std::optional<Request> witness;
  // The corrected policy, indented JSON, ready to paste; analyzing it gives `safe`. Empty for a safe policy,
  // and where there was no policy to correct. For one that IAM would not take it replaces everything.
  std::string mend;
  std::vector<std::string> mend_removed;  // what the mend takes out of the policy, in plain words
};

// Total and bounded: work is limited, and past the limit the verdict is `unsafe` with the finding
// `undecided`. Pure; any thread.
TrustAnalysis analyze(const Policy& trust_policy, const TrustQuestion& question);

// The same for a document as iam:GetRole returns it or as it stands in a file; `invalid` when it cannot be
// read.
TrustAnalysis analyze(std::string_view document, const TrustQuestion& question);

}  // namespace deputy::policy
