#include <fmt/format.h>

#include "policy/condition.hpp"
#include "policy/decision.hpp"
#include "policy/statement_match.hpp"

namespace deputy::policy {
namespace {

constexpr std::size_t values_shown_max = 5, statements_shown_max = 10;

std::string_view name_of(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::identity:
      return "identity policy";
    case PolicyKind::trust:
      return "trust policy";
    case PolicyKind::session:
      return "session policy";
    case PolicyKind::permissions_boundary:
      return "permissions boundary";
    case PolicyKind::resource:
      return "resource policy";
  }
  return "policy";
}

std::string list(const std::vector<std::string>& values) {
  std::string out;
  for (std::size_t i = 0; i < values.size() && i < values_shown_max; ++i) {
    out += (i == 0 ? "" : ", ") + in_backticks(values[i]);
  }
  if (values.size() > values_shown_max) out += fmt::format(" and {} more", values.size() - values_shown_max);
  return out;
}

std::string statement_name(const Policy& policy, const Statement& statement) {
  std::size_t number = 1;
  for (const Statement& candidate : policy.statements()) {
    if (&candidate == &statement) break;
    ++number;
  }
  const std::string sid = statement.sid.empty() ? "" : fmt::format(" ({})", in_backticks(statement.sid));
  return fmt::format("statement {}{} of the {}", number, sid, name_of(policy.kind()));
}

std::string_view outcome(Truth truth) {
  if (truth == Truth::yes) return "holds";
  return truth == Truth::no ? "does not hold" : "cannot be decided";
}

// What every condition came to, or only those that kept the statement from applying.
enum class Shown { all, unmet };
std::string conditions_lines(const Statement& statement, const Request& request, Shown shown) {
  std::string out;
  for (const Condition& condition : statement.conditions) {
    const ContextKey* key = request.find(condition.key);
    const Truth truth = holds(condition, key, request);
    if (shown == Shown::unmet && truth == Truth::yes) continue;
    const bool absent = key == nullptr || key->values.empty();
    out += fmt::format("\n  {} {} {}: the request has {}; {}", to_text(condition.condition_operator),
                       in_backticks(condition.key), list(condition.values),
                       absent ? "none" : list(key->values), outcome(truth));
  }
  return out;
}

// Why an Allow did not help.
std::string shortfall(const Statement& statement, PolicyKind kind, const Request& request) {
  switch (mismatch_of(statement, kind, request)) {
    case Mismatch::action:
      return "is about other actions: " + list(statement.actions);
    case Mismatch::resource:
      return "is about other resources: " + list(statement.resources);
    case Mismatch::principal:
      return "does not name the caller";
    case Mismatch::conditions:
      return "has conditions that the request does not meet" +
             conditions_lines(statement, request, Shown::unmet);
    case Mismatch::none:
      break;
  }
  return "applies, but does not suffice by itself";
}

std::string shortfalls(const Policy& policy, const Request& request) {
  std::string out;
  std::size_t allows = 0;
  for (const Statement& statement : policy.statements()) {
    if (statement.effect != Effect::allow || ++allows > statements_shown_max) continue;
    out += fmt::format("\n  {} {}", statement_name(policy, statement),
                       shortfall(statement, policy.kind(), request));
  }
  if (allows > statements_shown_max)
    out += fmt::format("\n  and {} more statements", allows - statements_shown_max);
  return out;
}

}  // namespace

std::string explain(const Decision& decision, const Request& request) {
  const std::string asked =
      fmt::format("{} on {}", in_backticks(request.action), in_backticks(request.resource));
  if (decision.policy != nullptr && decision.statement != nullptr) {
    return fmt::format("{} is {} by {}{}", asked, decision.allowed() ? "allowed" : "explicitly denied",
                       statement_name(*decision.policy, *decision.statement),
                       conditions_lines(*decision.statement, request, Shown::all));
  }
  if (decision.allowed())
    return fmt::format("{} is allowed: root may do everything in its own account", asked);
  if (decision.policy == nullptr) return fmt::format("{} is denied: no policy allows it", asked);
  return fmt::format("{} is denied: no statement of the {} allows it{}", asked,
                     name_of(decision.policy->kind()), shortfalls(*decision.policy, request));
}

}  // namespace deputy::policy
