#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace deputy::policy_spec {

// A condition operator's name taken apart: `ForAnyValue:StringNotLikeIfExists` is StringLike, negated, with
// both.
struct Operator {
  std::string qualifier;  // `ForAllValues`, `ForAnyValue` or empty
  std::string base;
  bool negated = false;
  bool if_exists = false;
};
std::optional<Operator> operator_named(std::string_view name);

}  // namespace deputy::policy_spec
