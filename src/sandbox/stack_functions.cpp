#include "sandbox/stack_functions.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace deputy::sandbox {
namespace {

using Kind = YamlNode::Kind;

json::Value text_value(std::string text) {
  json::Value value;
  value.kind = json::Kind::string;
  value.text = std::move(text);
  return value;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// `12`, `-1.5`, not `012` (that is an account's beginning, say) nor `1.2.3`.
bool looks_like_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || text.size() > 18 || !is_digit(text.front()) || !is_digit(text.back())) return false;
  if (text.size() > 1 && text[0] == '0' && text[1] != '.') return false;
  return std::ranges::count(text, '.') <= 1 &&
         std::ranges::all_of(text, [](char c) { return is_digit(c) || c == '.'; });
}

json::Value scalar_value(const YamlNode& node) {
  json::Value value = text_value(node.text);
  if (!node.plain) return value;
  if (node.text == "true" || node.text == "false") {
    value.kind = json::Kind::boolean;
    value.boolean = node.text == "true";
  } else if (looks_like_number(node.text)) {
    value.kind = json::Kind::number;
  }
  return value;
}

// A function and its argument, whichever way it is written. Empty name: no function.
struct Function {
  std::string name;
  const YamlNode* argument = nullptr;
};

Function function_of(const YamlNode& node) {
  if (!node.tag.empty()) return {node.tag.substr(node.tag.starts_with('!') ? 1 : 0), &node};
  if (node.kind != Kind::map || node.members.size() != 1) return {};
  const auto& [name, argument] = node.members.front();
  if (name == "Ref") return {name, &argument};
  if (name.starts_with("Fn::")) return {name.substr(4), &argument};
  return {};
}

Outcome<std::string> reference(const YamlNode& node, std::string_view name, const StackScope& scope) {
  const auto found = scope.references.find(name);
  if (found == scope.references.end())
    return template_error(node, fmt::format("Unresolved resource dependencies [{}]", name.substr(0, 255)));
  return found->second;
}

Outcome<std::string> attribute(const YamlNode& node, std::string_view resource, std::string_view name,
                               const StackScope& scope) {
  const auto found = scope.attributes.find(resource);
  if (found == scope.attributes.end())
    return template_error(node, fmt::format("instance of Fn::GetAtt references undefined resource {}",
                                            resource.substr(0, 255)));
  const auto value = found->second.find(name);
  if (value == found->second.end())
    return template_error(
        node, fmt::format("resource {} does not support the attribute {}", resource, in_backticks(name)));
  return value->second;
}

Outcome<std::string> get_attribute(const YamlNode& node, const StackScope& scope) {
  if (node.kind == Kind::scalar) {
    const std::size_t dot = node.text.find('.');
    if (dot == std::string::npos)
      return template_error(node, "Fn::GetAtt names a resource and an attribute: `Role.Arn`");
    return attribute(node, std::string_view{node.text}.substr(0, dot),
                     std::string_view{node.text}.substr(dot + 1), scope);
  }
  if (node.kind != Kind::sequence || node.elements.size() != 2 || node.elements[0].kind != Kind::scalar ||
      node.elements[1].kind != Kind::scalar)
    return template_error(node, "Fn::GetAtt takes two texts");
  return attribute(node, node.elements[0].text, node.elements[1].text, scope);
}

// `${Name}`, `${Resource.Attribute}`, `${!literal}`.
Outcome<std::string> substitute(const YamlNode& node, std::string_view text, const StackScope& scope) {
  std::string out;
  for (;;) {
    const std::size_t begin = text.find("${");
    out += text.substr(0, begin);
    if (begin == std::string_view::npos) return out;
    const std::size_t end = text.find('}', begin);
    if (end == std::string_view::npos) return template_error(node, "Fn::Sub has a `${` that is not closed");
    const std::string_view name = text.substr(begin + 2, end - begin - 2);
    const std::size_t dot = name.find('.');
    if (name.starts_with('!')) {
      out.append("${").append(name.substr(1)).append("}");
    } else if (dot != std::string_view::npos) {
      DEPUTY_TRY(const std::string value, attribute(node, name.substr(0, dot), name.substr(dot + 1), scope));
      out += value;
    } else {
      DEPUTY_TRY(const std::string value, reference(node, name, scope));
      out += value;
    }
    text.remove_prefix(end + 1);
  }
}

Outcome<std::string> sub(const YamlNode& node, const StackScope& scope) {
  if (node.kind == Kind::scalar) return substitute(node, node.text, scope);
  if (node.kind != Kind::sequence || node.elements.size() != 2 || node.elements[0].kind != Kind::scalar ||
      node.elements[1].kind != Kind::map)
    return template_error(node, "Fn::Sub takes a text, or a text and a map");
  StackScope with_names = scope;
  for (const auto& [name, value] : node.elements[1].members) {
    DEPUTY_TRY(with_names.references[name], resolve_text(value, scope));
  }
  return substitute(node, node.elements[0].text, with_names);
}

Outcome<std::string> join(const YamlNode& node, const StackScope& scope) {
  if (node.kind != Kind::sequence || node.elements.size() != 2 || node.elements[0].kind != Kind::scalar ||
      node.elements[1].kind != Kind::sequence)
    return template_error(node, "Fn::Join takes a text and a list");
  std::string out;
  for (const YamlNode& element : node.elements[1].elements) {
    if (&element != &node.elements[1].elements.front()) out += node.elements[0].text;
    DEPUTY_TRY(const std::string part, resolve_text(element, scope));
    out += part;
  }
  return out;
}

Outcome<std::optional<json::Value>> choose(const YamlNode& node, const StackScope& scope) {
  if (node.kind != Kind::sequence || node.elements.size() != 3 || node.elements[0].kind != Kind::scalar)
    return template_error(node, "Fn::If takes the name of a condition and two values");
  const auto condition = scope.conditions.find(node.elements[0].text);
  if (condition == scope.conditions.end())
    return template_error(
        node, fmt::format("the condition {} is not defined", in_backticks(node.elements[0].text)));
  return resolve(node.elements[condition->second ? 1 : 2], scope);
}

Outcome<std::optional<json::Value>> as_value(Outcome<std::string> text) {
  if (!text) return std::move(text).error();
  return std::optional{text_value(std::move(text).value())};
}

Outcome<std::optional<json::Value>> carry_out(const Function& function, const StackScope& scope) {
  const YamlNode& argument = *function.argument;
  if (function.name == "Ref") {
    if (argument.kind != Kind::scalar) return template_error(argument, "Ref takes a name");
    if (argument.text == "AWS::NoValue") return std::optional<json::Value>{};
    return as_value(reference(argument, argument.text, scope));
  }
  if (function.name == "Sub") return as_value(sub(argument, scope));
  if (function.name == "GetAtt") return as_value(get_attribute(argument, scope));
  if (function.name == "Join") return as_value(join(argument, scope));
  if (function.name == "If") return choose(argument, scope);
  return template_error(
      argument, fmt::format("the sandbox does not know the function {} here", in_backticks(function.name)));
}

Outcome<std::vector<bool>> resolve_conditions(const YamlNode& list, const StackScope& scope,
                                              std::size_t least, std::size_t most) {
  if (list.kind != Kind::sequence || list.elements.size() < least || list.elements.size() > most)
    return template_error(list, fmt::format("the function takes a list of {} to {} conditions", least, most));
  std::vector<bool> values;
  for (const YamlNode& element : list.elements) {
    DEPUTY_TRY(const bool value, resolve_condition(element, scope));
    values.push_back(value);
  }
  return values;
}

}  // namespace

Fault template_error(const YamlNode& node, std::string_view reason) {
  return {400, "ValidationError", fmt::format("Template error at line {}: {}", node.line, reason)};
}

Outcome<std::optional<json::Value>> resolve(const YamlNode& node, const StackScope& scope) {
  if (const Function function = function_of(node); !function.name.empty()) return carry_out(function, scope);
  json::Value value;
  switch (node.kind) {
    case Kind::scalar:
      return std::optional{scalar_value(node)};
    case Kind::sequence:
      value.kind = json::Kind::array;
      for (const YamlNode& element : node.elements) {
        DEPUTY_TRY(auto resolved, resolve(element, scope));
        if (resolved) value.elements.push_back(*std::move(resolved));
      }
      return std::optional{std::move(value)};
    case Kind::map:
      break;
  }
  value.kind = json::Kind::object;
  for (const auto& [name, member] : node.members) {
    DEPUTY_TRY(auto resolved, resolve(member, scope));
    if (resolved) value.members.push_back({name, {}, *std::move(resolved)});
  }
  return std::optional{std::move(value)};
}

Outcome<std::string> resolve_text(const YamlNode& node, const StackScope& scope) {
  DEPUTY_TRY(auto value, resolve(node, scope));
  if (!value || value->is(json::Kind::object) || value->is(json::Kind::array))
    return template_error(node, "there must be a text here");
  // `text` also holds what a number or a boolean looked like.
  return std::move(value->text);
}

Outcome<bool> resolve_condition(const YamlNode& node, const StackScope& scope) {
  Function function = function_of(node);
  if (function.name.empty() && node.kind == Kind::map && node.members.size() == 1 &&
      node.members.front().name == "Condition")
    function = {"Condition", &node.members.front().value};
  if (function.name == "Condition") {
    const auto named = scope.conditions.find(function.argument->text);
    if (named == scope.conditions.end())
      return template_error(
          node, fmt::format("the condition {} is not defined above", in_backticks(function.argument->text)));
    return named->second;
  }
  if (function.name == "Equals") {
    if (function.argument->kind != Kind::sequence || function.argument->elements.size() != 2)
      return template_error(node, "Fn::Equals takes two values");
    DEPUTY_TRY(const std::string a, resolve_text(function.argument->elements[0], scope));
    DEPUTY_TRY(const std::string b, resolve_text(function.argument->elements[1], scope));
    return a == b;
  }
  if (function.name == "Not") {
    DEPUTY_TRY(const auto values, resolve_conditions(*function.argument, scope, 1, 1));
    return !values.front();
  }
  if (function.name == "And" || function.name == "Or") {
    DEPUTY_TRY(const auto values, resolve_conditions(*function.argument, scope, 2, 10));
    const auto trues = std::ranges::count(values, true);
    return function.name == "And" ? trues == static_cast<std::ptrdiff_t>(values.size()) : trues > 0;
  }
  return template_error(node, "a condition is one of Fn::Equals, Fn::Not, Fn::And, Fn::Or, Condition");
}

}  // namespace deputy::sandbox
