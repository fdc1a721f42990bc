#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "json/reader.hpp"
#include "policy/comparand.hpp"

// IAM policy documents, read strictly: what is not known is an error, never skipped.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
namespace deputy::policy {

// A trust policy is the policy of a role as a resource, with rules of its own; `resource` is every other,
// such as a bucket's.
enum class PolicyKind { identity, trust, session, permissions_boundary, resource };
enum class Version { v2008_10_17, v2012_10_17 };  // a missing Version means 2008-10-17
enum class Effect { allow, deny };

// Who a statement names. An account is written as its ID, then it is one of the resource's own partition, or
// as its `:root` ARN, which says the partition: `aws_account` both.
enum class PrincipalType {
  everyone,
  aws_account,
  aws_arn,
  aws_unique_id,
  service,
  federated,
  canonical_user
};
struct StatementPrincipal {
  PrincipalType type = PrincipalType::everyone;
  std::string value;        // the 12 digits for aws_account; empty for everyone
  std::string partition{};  // of an account that is written as an ARN: `aws`, `aws-cn`, `aws-us-gov`
  friend bool operator==(const StatementPrincipal&, const StatementPrincipal&) = default;
};

enum class SetQualifier { none, for_all_values, for_any_value };
enum class OperatorFamily {
  string_equals,
  string_equals_ignore_case,
  string_like,
  numeric_equals,
  numeric_less_than,
  numeric_less_than_equals,
  numeric_greater_than,
  numeric_greater_than_equals,
  date_equals,
  date_less_than,
  date_less_than_equals,
  date_greater_than,
  date_greater_than_equals,
  boolean,
  binary_equals,
  ip_address,
  arn_equals,
  arn_like,
  null,
};
struct ConditionOperator {
  OperatorFamily family = OperatorFamily::string_equals;
  bool negated = false;  // StringNotEquals, NotIpAddress, …
  bool if_exists = false;
  SetQualifier qualifier = SetQualifier::none;
  friend bool operator==(const ConditionOperator&, const ConditionOperator&) = default;
};
std::string to_text(const ConditionOperator& condition_operator);  // `ForAnyValue:StringLikeIfExists`
// The reverse, exact and case-sensitive; nothing for a name that IAM does not know.
std::optional<ConditionOperator> parse_condition_operator(std::string_view name);

// One operator applied to one key; all of a statement's are ANDed.
struct Condition {
  ConditionOperator condition_operator;
  std::string key;                    // as written; compares without case
  std::vector<std::string> values;    // as written; never empty
  std::vector<Comparand> comparands;  // the values made ready to compare, one for each
  json::Position position;
  // Positions do not count.
  friend bool operator==(const Condition& a, const Condition& b) {
    return a.condition_operator == b.condition_operator && a.key == b.key && a.values == b.values;
  }
};

struct Statement {
  std::string sid;
  Effect effect = Effect::deny;
  bool not_principal = false;                  // Deny statements of resource policies only
  std::vector<StatementPrincipal> principals;  // trust and resource policies only
  bool not_action = false;
  std::vector<std::string> actions;  // patterns
  bool not_resource = false;
  std::vector<std::string> resources;        // patterns; empty in trust policies
  std::vector<VariableText> resource_texts;  // the same taken apart, one for each
  std::vector<Condition> conditions;
  json::Position position;
  // Positions do not count.
  friend bool operator==(const Statement& a, const Statement& b);
};

// A policy that was read. Immutable; cheap to share by const reference between threads.
class Policy {
 public:
  // Errors: `invalid_request` with the position and the reason. 64 KiB at most.
  static Result<Policy> read(std::string_view document, PolicyKind kind);

  PolicyKind kind() const { return kind_; }
  Version version() const { return version_; }
  const std::string& id() const { return id_; }
  const std::vector<Statement>& statements() const { return statements_; }

  // The same document but for spelling: positions, white space, a single value written without its list.
  friend bool operator==(const Policy& a, const Policy& b) {
    return a.kind_ == b.kind_ && a.version_ == b.version_ && a.id_ == b.id_ && a.statements_ == b.statements_;
  }

 private:
  friend class PolicyReader;
  Policy() = default;
  PolicyKind kind_ = PolicyKind::identity;
  Version version_ = Version::v2008_10_17;
  std::string id_;
  std::vector<Statement> statements_;
};

// Canonical JSON on one line: `read(print(p), p.kind())` equals `p`. ASCII alone, other characters escaped.
std::string print(const Policy& policy);

// The JSON of a policy document as iam:GetRole and its like return it: URL-encoded, or bare already. A text
// that starts with `{` (after white space) is bare. A `+` stays a plus: IAM encodes by RFC 3986, spaces as
// `%20`. Errors: `invalid_request` for a broken escape, `payload_too_large` when it cannot be a policy of 64
// KiB.
Result<std::string> decode_document(std::string_view document);

}  // namespace deputy::policy
