#include "policy/condition_reader.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "core/ascii.hpp"
#include "policy/pattern.hpp"
#include "policy/principal_reader.hpp"

namespace deputy::policy {
namespace {

using enum OperatorFamily;

bool is_numeric(OperatorFamily family) {
  return family >= numeric_equals && family <= numeric_greater_than_equals;
}
bool is_date(OperatorFamily family) {
  return family >= date_equals && family <= date_greater_than_equals;
}
bool is_true_or_false(OperatorFamily family) {
  return family == boolean || family == null;
}

std::string_view expectation(OperatorFamily family) {
  if (is_numeric(family)) return "a decimal number";
  if (is_date(family)) return "a date such as `2026-01-31T10:00:00Z`, or seconds since 1970";
  if (is_true_or_false(family)) return "`true` or `false`";
  if (family == binary_equals) return "Base64";
  if (family == ip_address) return "an IP address or CIDR block";
  return "an ARN of six parts, wildcards allowed";
}

// JSON numbers and booleans may stand for their text where the operator is about numbers, dates or truth.
bool takes_kind(OperatorFamily family, json::Kind kind) {
  return kind == json::Kind::string ||
         (kind == json::Kind::number && (is_numeric(family) || is_date(family))) ||
         (kind == json::Kind::boolean && is_true_or_false(family));
}

std::string text_of(const json::Value& value) {
  if (value.is(json::Kind::boolean)) return value.boolean ? "true" : "false";
  return value.text;
}

template <class T>
std::optional<Comparand> to_comparand(std::optional<T> parsed) {
  if (!parsed) return std::nullopt;
  return Comparand{std::move(*parsed)};
}

std::optional<Comparand> parse_comparand(OperatorFamily family, std::string_view text) {
  const auto itself = [](bool good) {
    return good ? std::optional<Comparand>{std::monostate{}} : std::nullopt;
  };
  if (is_numeric(family)) return to_comparand(parse_number(text));
  if (is_date(family)) return to_comparand(parse_instant(text));
  if (is_true_or_false(family)) return to_comparand(parse_boolean(text));
  if (family == ip_address) return to_comparand(parse_network(text));
  if (family == binary_equals) return itself(is_base64(text));
  if (family == arn_equals || family == arn_like)
    return itself(text.starts_with("arn:") && has_arn_segments(text));
  return itself(true);
}

Result<Comparand> read_comparand(OperatorFamily family, const json::Value& value, Version version) {
  const std::string text = text_of(value);
  if (family != null && value.is(json::Kind::string)) {
    DEPUTY_TRY(auto taken_apart, read_variable_text(value, version));
    if (taken_apart.has_variables()) return Comparand{std::move(taken_apart)};
  }
  auto comparand = parse_comparand(family, text);
  if (comparand) return std::move(*comparand);
  return invalid_policy(fmt::format("{} is not {}", in_backticks(text), expectation(family)), value.position);
}

bool is_condition_key(std::string_view key) {
  const std::size_t colon = key.find(':');
  return colon != 0 && colon != std::string_view::npos && colon + 1 < key.size() &&
         std::none_of(key.begin(), key.end(), [](char c) { return c >= 0 && c < 0x20; });
}

Result<Condition> read_key(const json::Member& member, const ConditionOperator& condition_operator,
                           Version version) {
  if (!is_condition_key(member.name)) {
    return invalid_policy(
        fmt::format("{} is no condition key; it must be such as `sts:ExternalId`", in_backticks(member.name)),
        member.position);
  }
  Condition condition{condition_operator, member.name, {}, {}, member.position};
  std::vector<const json::Value*> values{&member.value};
  if (member.value.is(json::Kind::array)) {
    values.clear();
    for (const json::Value& element : member.value.elements) values.push_back(&element);
  }
  if (values.empty()) {
    return invalid_policy(fmt::format("{} has no value to compare with", in_backticks(member.name)),
                          member.value.position);
  }
  for (const json::Value* value : values) {
    if (!takes_kind(condition_operator.family, value->kind)) {
      return invalid_policy(
          fmt::format("a value of {} cannot be {}", to_text(condition_operator), json::to_text(value->kind)),
          value->position);
    }
    DEPUTY_TRY(auto comparand, read_comparand(condition_operator.family, *value, version));
    condition.values.push_back(text_of(*value));
    condition.comparands.push_back(std::move(comparand));
  }
  return condition;
}

// Key names ignore case, so the JSON reader's look for duplicates is not enough.
const json::Member* duplicate_key(const json::Value& keys) {
  std::vector<std::pair<std::string, const json::Member*>> lower;
  for (const json::Member& member : keys.members) {
    std::string name = member.name;
    for (char& c : name) c = to_lower(c);
    lower.emplace_back(std::move(name), &member);
  }
  std::sort(lower.begin(), lower.end());
  const auto twice = std::adjacent_find(lower.begin(), lower.end(),
                                        [](const auto& a, const auto& b) { return a.first == b.first; });
  return twice == lower.end() ? nullptr : std::next(twice)->second;
}

}  // namespace

Result<VariableText> read_variable_text(const json::Value& value, Version version) {
  if (version == Version::v2008_10_17) return VariableText{};
  auto taken_apart = parse_variables(value.text);
  if (taken_apart) return std::move(*taken_apart);
  return invalid_policy(
      fmt::format("{} holds a malformed policy variable; it must be such as `${{aws:username}}` or "
                  "`${{aws:username, 'nobody'}}`",
                  in_backticks(value.text)),
      value.position);
}

Result<void> read_conditions(const json::Value& value, Version version, std::vector<Condition>& conditions) {
  if (!value.is(json::Kind::object)) {
    return invalid_policy(fmt::format("Condition must be an object, not {}", json::to_text(value.kind)),
                          value.position);
  }
  for (const json::Member& member : value.members) {
    const auto condition_operator = parse_condition_operator(member.name);
    if (!condition_operator) {
      return invalid_policy(fmt::format("unknown condition operator {}", in_backticks(member.name)),
                            member.position);
    }
    if (!member.value.is(json::Kind::object) || member.value.members.empty()) {
      return invalid_policy(fmt::format("{} must be an object of condition keys", member.name),
                            member.value.position);
    }
    if (const json::Member* twice = duplicate_key(member.value)) {
      return invalid_policy(fmt::format("duplicate condition key {}", in_backticks(twice->name)),
                            twice->position);
    }
    for (const json::Member& key : member.value.members) {
      DEPUTY_TRY(auto condition, read_key(key, *condition_operator, version));
      conditions.push_back(std::move(condition));
    }
  }
  return success();
}

}  // namespace deputy::policy
