#include "policy/breadth.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>

#include "policy/pattern.hpp"

namespace deputy::policy {
namespace {

constexpr std::string_view wildcards = "*?";

bool is_all_wildcards(std::string_view pattern) {
  return pattern.find('*') != std::string_view::npos &&
         pattern.find_first_not_of(wildcards) == std::string_view::npos;
}

// An action pattern, cut at its colon; `*` covers every service and every name.
struct ActionPattern {
  std::string_view service, name;
  bool is_of(std::string_view wanted) const { return glob_matches_ignoring_case(service, wanted); }
  std::string_view literal_start() const { return name.substr(0, name.find_first_of(wildcards)); }
  bool is_everything() const { return is_all_wildcards(service) && is_all_wildcards(name); }
  bool is_all_verbs() const { return literal_start().empty(); }
  // Only a start that is spelled out as a reading verb keeps a pattern from covering actions that write.
  bool may_write() const {
    constexpr std::array<std::string_view, 5> reading{"Get", "List", "Describe", "Generate", "Simulate"};
    return std::none_of(reading.begin(), reading.end(), [&](std::string_view verb) {
      return equal_ignoring_case(literal_start().substr(0, verb.size()), verb);
    });
  }
};

ActionPattern cut(std::string_view action) {
  const std::size_t colon = action.find(':');
  if (colon == std::string_view::npos) return {action, action};
  return {action.substr(0, colon), action.substr(colon + 1)};
}

// `*`, `*/*`: nothing is spelled out but what divides the parts of a resource's name.
bool is_any_name(std::string_view pattern) {
  return pattern.find('*') != std::string_view::npos &&
         pattern.find_first_not_of("*?/:") == std::string_view::npos;
}

// `*`, or an ARN pattern that says nothing of the resource itself.
bool is_every_resource(std::string_view pattern) {
  if (is_all_wildcards(pattern)) return true;
  for (int i = 0; i < 5; ++i) {
    const std::size_t colon = pattern.find(':');
    if (colon == std::string_view::npos) return false;
    pattern.remove_prefix(colon + 1);
  }
  return is_any_name(pattern);
}

bool covers_every_resource(const Statement& statement) {
  return statement.not_resource || statement.resources.empty() ||
         std::any_of(statement.resources.begin(), statement.resources.end(), is_every_resource);
}

// What makes one action pattern too broad; empty if nothing does.
std::string_view fault_of(const std::string& action, const Statement& statement) {
  const ActionPattern pattern = cut(action);
  if (pattern.is_everything()) return "allows every action of every service";
  if (pattern.is_of("iam") && pattern.may_write()) {
    return "can change users, roles or policies in IAM, and so grant itself anything";
  }
  if (glob_matches_ignoring_case(action, "sts:AssumeRole")) {
    return "can assume other roles, with whatever those may do";
  }
  if (glob_matches_ignoring_case(action, "sts:AssumeRoot")) {
    return "can become the root user of the organization's accounts";
  }
  if (pattern.is_of("organizations") && pattern.may_write())
    return "can change the customer's AWS organization";
  if (pattern.is_all_verbs() && covers_every_resource(statement)) {
    return "allows every kind of action, writing included, on every resource of the service";
  }
  return {};
}

}  // namespace

std::vector<Breadth> too_broad(const Policy& policy) {
  std::vector<Breadth> out;
  std::size_t number = 0;
  for (const Statement& statement : policy.statements()) {
    ++number;
    if (statement.effect != Effect::allow) continue;
    const std::string name = statement.sid.empty()
                                 ? fmt::format("statement {}", number)
                                 : fmt::format("statement {} ({})", number, in_backticks(statement.sid));
    if (statement.not_action) {
      out.push_back(
          {number, fmt::format("{}: NotAction allows everything that it does not list; list the actions "
                               "that are needed",
                               name)});
      continue;
    }
    for (const std::string& action : statement.actions) {
      const std::string_view fault = fault_of(action, statement);
      if (!fault.empty())
        out.push_back({number, fmt::format("{}: {} {}", name, in_backticks(action), fault)});
    }
  }
  return out;
}

}  // namespace deputy::policy
