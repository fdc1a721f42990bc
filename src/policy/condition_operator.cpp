#include <array>
#include <utility>

#include "policy/policy.hpp"

namespace deputy::policy {
namespace {

struct NamedOperator {
  std::string_view name;
  OperatorFamily family;
  bool negated;
};

using enum OperatorFamily;
constexpr std::array named_operators{
    NamedOperator{"StringEquals", string_equals, false},
    NamedOperator{"StringNotEquals", string_equals, true},
    NamedOperator{"StringEqualsIgnoreCase", string_equals_ignore_case, false},
    NamedOperator{"StringNotEqualsIgnoreCase", string_equals_ignore_case, true},
    NamedOperator{"StringLike", string_like, false},
    NamedOperator{"StringNotLike", string_like, true},
    NamedOperator{"NumericEquals", numeric_equals, false},
    NamedOperator{"NumericNotEquals", numeric_equals, true},
    NamedOperator{"NumericLessThan", numeric_less_than, false},
    NamedOperator{"NumericLessThanEquals", numeric_less_than_equals, false},
    NamedOperator{"NumericGreaterThan", numeric_greater_than, false},
    NamedOperator{"NumericGreaterThanEquals", numeric_greater_than_equals, false},
    NamedOperator{"DateEquals", date_equals, false},
    NamedOperator{"DateNotEquals", date_equals, true},
    NamedOperator{"DateLessThan", date_less_than, false},
    NamedOperator{"DateLessThanEquals", date_less_than_equals, false},
    NamedOperator{"DateGreaterThan", date_greater_than, false},
    NamedOperator{"DateGreaterThanEquals", date_greater_than_equals, false},
    NamedOperator{"Bool", boolean, false},
    NamedOperator{"BinaryEquals", binary_equals, false},
    NamedOperator{"IpAddress", ip_address, false},
    NamedOperator{"NotIpAddress", ip_address, true},
    NamedOperator{"ArnEquals", arn_equals, false},
    NamedOperator{"ArnNotEquals", arn_equals, true},
    NamedOperator{"ArnLike", arn_like, false},
    NamedOperator{"ArnNotLike", arn_like, true},
    NamedOperator{"Null", null, false},
};

constexpr std::string_view for_all = "ForAllValues:", for_any = "ForAnyValue:", if_exists_ending = "IfExists";

}  // namespace

std::string to_text(const ConditionOperator& condition_operator) {
  std::string out;
  if (condition_operator.qualifier == SetQualifier::for_all_values) out = for_all;
  if (condition_operator.qualifier == SetQualifier::for_any_value) out = for_any;
  for (const NamedOperator& named : named_operators) {
    if (named.family == condition_operator.family && named.negated == condition_operator.negated)
      out += named.name;
  }
  if (condition_operator.if_exists) out += if_exists_ending;
  return out;
}

std::optional<ConditionOperator> parse_condition_operator(std::string_view name) {
  ConditionOperator out;
  if (name.starts_with(for_all)) {
    out.qualifier = SetQualifier::for_all_values;
    name.remove_prefix(for_all.size());
  } else if (name.starts_with(for_any)) {
    out.qualifier = SetQualifier::for_any_value;
    name.remove_prefix(for_any.size());
  }
  if (name.ends_with(if_exists_ending)) {
    out.if_exists = true;
    name.remove_suffix(if_exists_ending.size());
  }
  for (const NamedOperator& named : named_operators) {
    if (named.name != name) continue;
    out.family = named.family;
    out.negated = named.negated;
    const bool takes_no_modifier = named.family == OperatorFamily::null;
    if (takes_no_modifier && (out.if_exists || out.qualifier != SetQualifier::none)) return std::nullopt;
    return out;
  }
  return std::nullopt;
}

}  // namespace deputy::policy
