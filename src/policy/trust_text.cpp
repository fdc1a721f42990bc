#include "policy/trust_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace deputy::policy {
namespace {

char32_t take_code_point(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  const char32_t lead = byte(0);
  const std::size_t wanted = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const std::size_t bytes = std::min(wanted, text.size());
  char32_t value = bytes == 1 ? lead : lead & (0xffU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) value = (value << 6U) | (byte(i) & 0x3fU);
  text.remove_prefix(bytes);
  return value;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto value = static_cast<unsigned>(take_code_point(text));
    if (value == '"' || value == '\\') {
      out += '\\';
      out += static_cast<char>(value);
    } else if (value >= 0x20 && value < 0x7f) {
      out += static_cast<char>(value);
    } else if (value < 0x10000) {
      out += fmt::format("\\u{:04x}", value);
    } else {
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + ((value - 0x10000) >> 10U),
                         0xdc00 + ((value - 0x10000) & 0x3ffU));
    }
  }
  return out + '"';
}

std::string indent(std::size_t depth) {
  return std::string(2 * depth, ' ');
}

// The members of an object, each already written, at the depth of its braces.
std::string object(const std::vector<std::pair<std::string, std::string>>& members, std::size_t depth) {
  std::string out = "{\n";
  for (std::size_t i = 0; i < members.size(); ++i) {
    out += fmt::format("{}{}: {}{}\n", indent(depth + 1), quoted(members[i].first), members[i].second,
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
  if (all.size() == 1) return quoted(all.front());
  std::vector<std::string> written;
  for (const std::string& text : all) written.push_back(quoted(text));
  return list(written, depth);
}

std::string_view member_of(PrincipalType type) {
  switch (type) {
    case PrincipalType::service:
      return "Service";
    case PrincipalType::federated:
      return "Federated";
    case PrincipalType::canonical_user:
      return "CanonicalUser";
    default:
      return "AWS";
  }
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
    under(groups, std::string{member_of(one.type)})
        .push_back(one.type == PrincipalType::everyone ? "*" : one.value);
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
  if (!one.sid.empty()) members.emplace_back("Sid", quoted(one.sid));
  members.emplace_back("Effect", one.effect == Effect::allow ? "\"Allow\"" : "\"Deny\"");
  members.emplace_back("Principal", principals(one.principals, depth + 1));
  members.emplace_back(one.not_action ? "NotAction" : "Action", texts(one.actions, depth + 1));
  if (!one.conditions.empty()) members.emplace_back("Condition", conditions(one.conditions, depth + 1));
  return object(members, depth);
}

}  // namespace

std::string to_indented_json(Version version, const std::string& id,
                             const std::vector<Statement>& statements) {
  std::vector<std::pair<std::string, std::string>> members{
      {"Version", version == Version::v2012_10_17 ? "\"2012-10-17\"" : "\"2008-10-17\""}};
  if (!id.empty()) members.emplace_back("Id", quoted(id));
  std::vector<std::string> written;
  for (const Statement& one : statements) written.push_back(statement(one, 2));
  members.emplace_back("Statement", list(written, 1));
  return object(members, 0) + "\n";
}

}  // namespace deputy::policy
