#include "policy/condition.hpp"

#include <algorithm>
#include <compare>

#include "policy/pattern.hpp"

namespace deputy::policy {
namespace {

using enum OperatorFamily;

Truth truth(bool value) {
  return value ? Truth::yes : Truth::no;
}
Truth negate(Truth value) {
  if (value == Truth::undecidable) return value;
  return truth(value == Truth::no);
}

// Whether `given ? wanted` for the ordering families.
bool ordered(OperatorFamily family, std::strong_ordering order) {
  switch (family) {
    case numeric_less_than:
    case date_less_than:
      return order < 0;
    case numeric_less_than_equals:
    case date_less_than_equals:
      return order <= 0;
    case numeric_greater_than:
    case date_greater_than:
      return order > 0;
    case numeric_greater_than_equals:
    case date_greater_than_equals:
      return order >= 0;
    default:
      return order == 0;
  }
}

Truth compare_numbers(OperatorFamily family, const std::optional<Number>& wanted, std::string_view given) {
  const auto number = parse_number(given);
  if (!number) return Truth::undecidable;
  return truth(wanted && ordered(family, *number <=> *wanted));
}

Truth compare_instants(OperatorFamily family, const std::optional<Instant>& wanted, std::string_view given) {
  const auto instant = parse_instant(given);
  if (!instant) return Truth::undecidable;
  return truth(wanted && ordered(family, *instant <=> *wanted));
}

Truth compare_address(const std::optional<Network>& wanted, std::string_view given) {
  const auto address = parse_address(given);
  if (!address) return Truth::undecidable;
  return truth(wanted && wanted->contains(*address));
}

Truth compare_boolean(const std::optional<bool>& wanted, std::string_view given) {
  const auto boolean_given = parse_boolean(given);
  if (!boolean_given) return Truth::undecidable;
  return truth(wanted && *wanted == *boolean_given);
}

// A value with policy variables. What cannot be resolved, or resolves to what the operator cannot read,
// matches nothing.
Truth compare_resolved(OperatorFamily family, const VariableText& wanted, std::string_view given,
                       const Request& request) {
  const Resolution resolution{wanted, request};
  switch (family) {
    case string_equals:
      return truth(resolution.equals(given));
    case string_equals_ignore_case:
      return truth(resolution.equals_ignoring_case(given));
    case string_like:
      return truth(resolution.glob_matches(given));
    case arn_equals:
    case arn_like:
      return has_arn_segments(given) ? truth(resolution.arn_matches(given)) : Truth::undecidable;
    case binary_equals:
      return is_base64(given) ? truth(resolution.equals(given)) : Truth::undecidable;
    default:
      break;
  }
  Resolution::Buffer buffer;
  const auto text = resolution.copy_to(buffer);
  if (family == boolean) return compare_boolean(text ? parse_boolean(*text) : std::nullopt, given);
  if (family == ip_address) return compare_address(text ? parse_network(*text) : std::nullopt, given);
  if (family >= date_equals)
    return compare_instants(family, text ? parse_instant(*text) : std::nullopt, given);
  return compare_numbers(family, text ? parse_number(*text) : std::nullopt, given);
}

Truth compare_text(OperatorFamily family, std::string_view wanted, std::string_view given) {
  switch (family) {
    case string_equals_ignore_case:
      return truth(equal_ignoring_case(wanted, given));
    case string_like:
      return truth(glob_matches(wanted, given));
    case binary_equals:
      return is_base64(given) ? truth(wanted == given) : Truth::undecidable;
    case arn_equals:
    case arn_like:
      return has_arn_segments(given) ? truth(arn_matches(wanted, given)) : Truth::undecidable;
    default:
      return truth(wanted == given);
  }
}

// One value of the policy against one of the request.
Truth compare(const Condition& condition, std::size_t index, std::string_view given, const Request& request) {
  const OperatorFamily family = condition.condition_operator.family;
  const Comparand& wanted = condition.comparands[index];
  if (const auto* number = std::get_if<Number>(&wanted)) return compare_numbers(family, *number, given);
  if (const auto* instant = std::get_if<Instant>(&wanted)) return compare_instants(family, *instant, given);
  if (const auto* network = std::get_if<Network>(&wanted)) return compare_address(*network, given);
  if (const auto* flag = std::get_if<bool>(&wanted)) return compare_boolean(*flag, given);
  if (const auto* text = std::get_if<VariableText>(&wanted))
    return compare_resolved(family, *text, given, request);
  return compare_text(family, condition.values[index], given);
}

// One value of the request against all of the policy's: ORed, or NORed for a negated operator.
Truth value_matches(const Condition& condition, std::string_view given, const Request& request) {
  Truth any = Truth::no;
  for (std::size_t i = 0; i < condition.comparands.size() && any != Truth::yes; ++i) {
    any = std::max(any, compare(condition, i, given, request));
  }
  return condition.condition_operator.negated ? negate(any) : any;
}

bool is_absent(const ContextKey* key) {
  return key == nullptr || key->values.empty();
}

// For the set qualifiers a key that holds nothing but empty strings is the empty set.
bool is_empty_set(const ContextKey* key) {
  return is_absent(key) || std::all_of(key->values.begin(), key->values.end(),
                                       [](const std::string& value) { return value.empty(); });
}

Truth all_values_match(const Condition& condition, const ContextKey& key, const Request& request) {
  Truth all = Truth::yes;
  for (const std::string& value : key.values) all = std::min(all, value_matches(condition, value, request));
  return all;
}

Truth any_value_matches(const Condition& condition, const ContextKey& key, const Request& request) {
  Truth any = Truth::no;
  for (const std::string& value : key.values) any = std::max(any, value_matches(condition, value, request));
  return any;
}

// Several values under an operator for one: decided only when all agree.
Truth values_agree(const Condition& condition, const ContextKey& key, const Request& request) {
  const Truth all = all_values_match(condition, key, request);
  if (all == Truth::yes || key.values.size() == 1) return all;
  return any_value_matches(condition, key, request) == Truth::no ? Truth::no : Truth::undecidable;
}

// "Exists and its value is not null": whether a key that holds nothing but empty strings, a null dataset,
// does, is not said.
Truth holds_null(const Condition& condition, const ContextKey* key) {
  const auto asks_for = [&](bool absence) {
    return std::any_of(condition.comparands.begin(), condition.comparands.end(), [&](const Comparand& value) {
      const bool* flag = std::get_if<bool>(&value);
      return flag != nullptr && *flag == absence;
    });
  };
  const bool absence = asks_for(true), presence = asks_for(false);
  if (absence == presence) return truth(absence);
  if (is_absent(key)) return truth(absence);
  return is_empty_set(key) ? Truth::undecidable : truth(presence);
}

}  // namespace

Truth holds(const Condition& condition, const ContextKey* key, const Request& request) {
  const ConditionOperator& wanted = condition.condition_operator;
  if (wanted.family == null) return holds_null(condition, key);
  switch (wanted.qualifier) {
    case SetQualifier::for_all_values:
      return is_empty_set(key) ? Truth::yes : all_values_match(condition, *key, request);
    case SetQualifier::for_any_value:
      return is_empty_set(key) ? Truth::no : any_value_matches(condition, *key, request);
    case SetQualifier::none:
      break;
  }
  if (is_absent(key)) return truth(wanted.negated || wanted.if_exists);
  return values_agree(condition, *key, request);
}

Truth conditions_hold(const Statement& statement, const Request& request) {
  Truth all = Truth::yes;
  for (const Condition& condition : statement.conditions) {
    all = std::min(all, holds(condition, request.find(condition.key), request));
    if (all == Truth::no) break;
  }
  return all;
}

}  // namespace deputy::policy
