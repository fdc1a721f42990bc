#include "policy/trust_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "json/text.hpp"
#include "policy/principal_reader.hpp"

namespace deputy::policy {
namespace {

using json::in_quotes;

std::string indent(std::size_t depth) {
  return std::string(2 * depth, ' ');
}

// The members of an object, each already written, at the depth of its braces.
std::string object(const std::vector<std::pair<std::string, std::string>>& members, std::size_t depth) {
  std::string out = "{\n";
  for (std::size_t i = 0; i < members.size(); ++i) {
    out += fmt::format("{}{}: {}{}\n", indent(depth + 1), in_quotes(members[i].first), members[i].second,
                       i + 1 < members.size() ? "," : "");
  }
  return out + indent(depth) + "}";
}

std::string list(const std::vector<std::string>& written, std::size_t depth) {
  std::string out = "[\n";
  for (std::size_t i = 0; i < written.size(); ++i)
    out += fmt::format("{}{}{}\n", indent(depth + 1), written[i], i + 1 < written.size() ? "," : "");
  return out + indent(depth) + "]";
}

std::string texts(const std::vector<std::string>& all, std::size_t depth) {
  if (all.size() == 1) return in_quotes(all.front());
  std::vector<std::string> written;
  for (const std::string& text : all) written.push_back(in_quotes(text));
  return list(written, depth);
}

// Groups what belongs under one name, in the order of the first.
template <class Values>
std::vector<std::string>& under(Values& groups, const std::string& name) {
  const auto found =
      std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.first == name; });
  if (found != groups.end()) return found->second;
  groups.emplace_back(name, std::vector<std::string>{});
  return groups.back().second;
}

std::string principals(const std::vector<StatementPrincipal>& all, std::size_t depth) {
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  for (const StatementPrincipal& one : all)
    under(groups, std::string{member_name(one.type)}).push_back(written(one));
  std::vector<std::pair<std::string, std::string>> members;
  for (const auto& [name, values] : groups) members.emplace_back(name, texts(values, depth + 1));
  return object(members, depth);
}

std::string conditions(const std::vector<Condition>& all, std::size_t depth) {
  std::vector<std::string> operators;
  for (const Condition& one : all) {
    const std::string name = to_text(one.condition_operator);
    if (std::find(operators.begin(), operators.end(), name) == operators.end()) operators.push_back(name);
  }
  std::vector<std::pair<std::string, std::string>> members;
  for (const std::string& name : operators) {
    std::vector<std::pair<std::string, std::string>> keys;
    for (const Condition& one : all) {
      if (to_text(one.condition_operator) == name) keys.emplace_back(one.key, texts(one.values, depth + 2));
    }
    members.emplace_back(name, object(keys, depth + 1));
  }
  return object(members, depth);
}

std::string statement(const Statement& one, std::size_t depth) {
  std::vector<std::pair<std::string, std::string>> members;
  if (!one.sid.empty()) members.emplace_back("Sid", in_quotes(one.sid));
  members.emplace_back("Effect", one.effect == Effect::allow ? "\"Allow\"" : "\"Deny\"");
  members.emplace_back("Principal", principals(one.principals, depth + 1));
  members.emplace_back(one.not_action ? "NotAction" : "Action", texts(one.actions, depth + 1));
  if (!one.conditions.empty()) members.emplace_back("Condition", conditions(one.conditions, depth + 1));
  return object(members, depth);
}

}  // namespace

std::string statement_title(std::size_t number, const std::string& sid) {
  return sid.empty() ? fmt::format("statement {}", number)
                     : fmt::format("statement {} ({})", number, in_backticks(sid));
}

std::string to_indented_json(Version version, const std::string& id,
                             const std::vector<Statement>& statements) {
  std::vector<std::pair<std::string, std::string>> members{
      {"Version", version == Version::v2012_10_17 ? "\"2012-10-17\"" : "\"2008-10-17\""}};
  if (!id.empty()) members.emplace_back("Id", in_quotes(id));
  std::vector<std::string> written;
  for (const Statement& one : statements) written.push_back(statement(one, 2));
  members.emplace_back("Statement", list(written, 1));
  return object(members, 0) + "\n";
}

}  // namespace deputy::policy
