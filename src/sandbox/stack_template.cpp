#include "sandbox/stack_template.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <initializer_list>
#include <regex>

#include "sandbox/json_text.hpp"

namespace deputy::sandbox {
namespace {

using Kind = YamlNode::Kind;
constexpr std::string_view role_type = "AWS::IAM::Role";
constexpr std::string_view policy_type = "AWS::IAM::Policy";

Fault format_error(const YamlNode& node, std::string_view reason) {
  return {400, "ValidationError", fmt::format("Template format error at line {}: {}", node.line, reason)};
}

std::optional<Fault> wrong_members(const YamlNode& node, std::string_view noun,
                                   std::initializer_list<std::string_view> known) {
  if (node.kind != Kind::map) return format_error(node, fmt::format("{} is not a map", noun));
  for (const auto& [name, value] : node.members)
    if (std::ranges::find(known, name) == known.end())
      return format_error(value, fmt::format("the sandbox does not know {} of {}", in_backticks(name), noun));
  return std::nullopt;
}

bool is_alphanumeric(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

Outcome<std::string> scalar(const YamlNode& node, std::string_view noun) {
  if (node.kind != Kind::scalar || !node.tag.empty())
    return format_error(node, fmt::format("{} is not a text", noun));
  return node.text;
}

Outcome<std::size_t> length(const YamlNode& node) {
  std::size_t value = 0;
  const char* const end = node.text.data() + node.text.size();
  if (node.kind != Kind::scalar ||
      std::from_chars(node.text.data(), end, value) != std::from_chars_result{end, std::errc{}} ||
      value > 4096)
    return format_error(node, "a length is a whole number up to 4096");
  return value;
}

// libstdc++'s polynomial matcher: a hostile pattern cannot make it take for ever.
Outcome<std::regex> compile(const YamlNode& node, const std::string& pattern) {
  constexpr std::size_t pattern_length_max = 2048;
  if (pattern.size() > pattern_length_max)
    return format_error(node, "AllowedPattern has at most 2,048 characters here");
  try {
    return std::regex{pattern, std::regex_constants::ECMAScript | std::regex_constants::__polynomial};
  } catch (const std::regex_error&) {
    return format_error(node, "AllowedPattern is not a regular expression that the sandbox can read");
  }
}

Outcome<ParameterDeclaration> read_parameter(const std::string& name, const YamlNode& node) {
  if (!is_alphanumeric(name))
    return format_error(node, fmt::format("the parameter name {} is not alphanumeric", in_backticks(name)));
  if (auto fault = wrong_members(node, "a parameter",
                                 {"Type", "Description", "Default", "AllowedPattern", "AllowedValues",
                                  "ConstraintDescription", "NoEcho", "MinLength", "MaxLength"}))
    return *std::move(fault);
  const YamlNode* const type = node.find("Type");
  if (!type || type->text != "String")
    return format_error(node, "the sandbox's parameters have the Type String");
  ParameterDeclaration declaration;
  declaration.name = name;
  if (const YamlNode* const value = node.find("Default")) {
    DEPUTY_TRY(declaration.default_value, scalar(*value, "Default"));
  }
  if (const YamlNode* const value = node.find("Description")) {
    DEPUTY_TRY(declaration.description, scalar(*value, "Description"));
  }
  if (const YamlNode* const value = node.find("AllowedPattern")) {
    DEPUTY_TRY(declaration.allowed_pattern, scalar(*value, "AllowedPattern"));
    DEPUTY_TRY(compile(*value, declaration.allowed_pattern));
  }
  if (const YamlNode* const value = node.find("ConstraintDescription")) {
    DEPUTY_TRY(declaration.constraint_description, scalar(*value, "ConstraintDescription"));
  }
  if (const YamlNode* const value = node.find("NoEcho")) declaration.no_echo = value->text == "true";
  if (const YamlNode* const value = node.find("MinLength")) {
    DEPUTY_TRY(declaration.length_min, length(*value));
  }
  if (const YamlNode* const value = node.find("MaxLength")) {
    DEPUTY_TRY(declaration.length_max, length(*value));
  }
  if (const YamlNode* const values = node.find("AllowedValues")) {
    if (values->kind != Kind::sequence) return format_error(*values, "AllowedValues is not a list");
    for (const YamlNode& value : values->elements) {
      DEPUTY_TRY(auto text, scalar(value, "an allowed value"));
      declaration.allowed_values.push_back(std::move(text));
    }
  }
  return declaration;
}

std::optional<Fault> unfit(const ParameterDeclaration& declaration, const std::string& value) {
  const auto fault = [&](const std::string& reason) {
    return validation_error(fmt::format(
        "Parameter {} failed to satisfy constraint: {}", declaration.name,
        declaration.constraint_description.empty() ? reason : declaration.constraint_description));
  };
  if (value.size() < declaration.length_min)
    return fault(fmt::format("must have length at least {}", declaration.length_min));
  if (value.size() > declaration.length_max)
    return fault(fmt::format("must have length at most {}", declaration.length_max));
  if (!declaration.allowed_values.empty() &&
      std::ranges::find(declaration.allowed_values, value) == declaration.allowed_values.end())
    return validation_error(fmt::format("Parameter '{}' must be one of AllowedValues", declaration.name));
  if (declaration.allowed_pattern.empty()) return std::nullopt;
  const auto pattern = compile({}, declaration.allowed_pattern);
  if (!pattern || !std::regex_match(value, pattern.value()))
    return fault("must match pattern " + declaration.allowed_pattern);
  return std::nullopt;
}

// ── Properties, resolved
// ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

struct Properties {
  const YamlNode& node;
  json::Value value;

  Outcome<std::string> text(std::string_view name, std::string otherwise = {}) const {
    const json::Value* const found = value.find(name);
    if (!found) return otherwise;
    if (found->is(json::Kind::object) || found->is(json::Kind::array)) return property_error(name, "a text");
    return found->text;
  }
  Outcome<std::string> document(std::string_view name) const {
    const json::Value* const found = value.find(name);
    if (!found) return format_error(node, fmt::format("the property {} is missing", name));
    if (!found->is(json::Kind::object)) return property_error(name, "a policy document");
    return to_json_text(*found);
  }
  Fault property_error(std::string_view name, std::string_view wanted) const {
    return format_error(node, fmt::format("the property {} is not {}", name, wanted));
  }
};

Outcome<Properties> read_properties(const YamlNode& node, const StackScope& scope,
                                    std::initializer_list<std::string_view> known, std::string_view noun) {
  if (auto fault = wrong_members(node, noun, known)) return *std::move(fault);
  DEPUTY_TRY(auto value, resolve(node, scope));
  return Properties{node, *std::move(value)};
}

Outcome<void> read_inline_policies(const YamlNode& node, const StackScope& scope, PlannedRole& role) {
  if (node.kind != Kind::sequence) return format_error(node, "Policies is not a list");
  for (const YamlNode& element : node.elements) {
    DEPUTY_TRY(const Properties policy,
               read_properties(element, scope, {"PolicyName", "PolicyDocument"}, "a policy of a role"));
    DEPUTY_TRY(const std::string name, policy.text("PolicyName"));
    DEPUTY_TRY(auto document, policy.document("PolicyDocument"));
    if (!role.policies.emplace(name, std::move(document)).second)
      return format_error(element, "two policies of a role have one name");
  }
  return success();
}

Outcome<void> read_role_tags(const YamlNode& node, const StackScope& scope, RoleDescription& description) {
  if (node.kind != Kind::sequence || node.elements.size() > 50)
    return format_error(node, "Tags is not a list of 50 at most");
  for (const YamlNode& element : node.elements) {
    DEPUTY_TRY(const Properties tag, read_properties(element, scope, {"Key", "Value"}, "a tag"));
    DEPUTY_TRY(auto key, tag.text("Key"));
    DEPUTY_TRY(auto value, tag.text("Value"));
    if (key.empty() || key.size() > 128 || value.size() > 256)
      return format_error(element, "a tag's key has 1 to 128 characters, its value at most 256");
    description.tags.push_back({std::move(key), std::move(value)});
  }
  return success();
}

Outcome<PlannedRole> plan_role(const std::string& logical_id, const YamlNode& properties_node,
                               const StackScope& scope, const StackIdentity& stack) {
  DEPUTY_TRY(const Properties properties,
             read_properties(properties_node, scope,
                             {"RoleName", "Path", "MaxSessionDuration", "AssumeRolePolicyDocument",
                              "Policies", "Tags", "Description"},
                             role_type));
  PlannedRole role;
  role.logical_id = logical_id;
  DEPUTY_TRY(role.description.name, properties.text("RoleName"));
  role.named = !role.description.name.empty();
  if (!role.named) role.description.name = stack.name_role(logical_id);
  DEPUTY_TRY(role.description.path, properties.text("Path", "/"));
  DEPUTY_TRY(role.description.description, properties.text("Description"));
  DEPUTY_TRY(role.description.trust_policy, properties.document("AssumeRolePolicyDocument"));
  DEPUTY_TRY(const std::string duration, properties.text("MaxSessionDuration", "3600"));
  int seconds = 0;
  if (std::from_chars(duration.data(), duration.data() + duration.size(), seconds) !=
      std::from_chars_result{duration.data() + duration.size(), std::errc{}})
    return properties.property_error("MaxSessionDuration", "a whole number of seconds");
  role.description.max_session_duration = std::chrono::seconds{seconds};
  if (const YamlNode* const policies = properties_node.find("Policies")) {
    DEPUTY_TRY(read_inline_policies(*policies, scope, role));
  }
  if (const YamlNode* const tags = properties_node.find("Tags")) {
    DEPUTY_TRY(read_role_tags(*tags, scope, role.description));
  }
  return role;
}

Outcome<void> plan_policy(const YamlNode& properties_node, const StackScope& scope,
                          std::vector<PlannedRole>& roles) {
  DEPUTY_TRY(const Properties properties,
             read_properties(properties_node, scope, {"PolicyName", "PolicyDocument", "Roles"}, policy_type));
  DEPUTY_TRY(const std::string name, properties.text("PolicyName"));
  DEPUTY_TRY(const std::string document, properties.document("PolicyDocument"));
  const json::Value* const targets = properties.value.find("Roles");
  if (!targets || !targets->is(json::Kind::array) || targets->elements.empty())
    return properties.property_error("Roles", "a list of this stack's roles");
  for (const json::Value& target : targets->elements) {
    const auto role = std::ranges::find(roles, target.text,
                                        [](const PlannedRole& planned) { return planned.description.name; });
    if (role == roles.end()) return properties.property_error("Roles", "a list of this stack's roles");
    if (!role->policies.emplace(name, document).second)
      return format_error(properties_node, "two policies of a role have one name");
  }
  return success();
}

StackScope scope_of(const StackIdentity& stack) {
  StackScope scope;
  scope.references = stack.parameters;
  scope.references["AWS::Partition"] = to_text(stack.account.partition);
  scope.references["AWS::AccountId"] = stack.account.id;
  scope.references["AWS::Region"] = stack.region;
  scope.references["AWS::StackName"] = stack.name;
  scope.references["AWS::StackId"] = stack.id;
  scope.references["AWS::URLSuffix"] =
      stack.account.partition == Partition::aws_cn ? "amazonaws.com.cn" : "amazonaws.com";
  return scope;
}

Outcome<StackOutput> read_output(const std::string& key, const YamlNode& node, const StackScope& scope) {
  if (!is_alphanumeric(key))
    return format_error(node, fmt::format("the output name {} is not alphanumeric", in_backticks(key)));
  if (auto fault = wrong_members(node, "an output", {"Value", "Description", "Condition"}))
    return *std::move(fault);
  const YamlNode* const value = node.find("Value");
  if (!value) return format_error(node, "an output has no Value");
  StackOutput output;
  output.key = key;
  DEPUTY_TRY(output.value, resolve_text(*value, scope));
  if (const YamlNode* const description = node.find("Description")) {
    DEPUTY_TRY(output.description, scalar(*description, "Description"));
  }
  return output;
}

}  // namespace

Outcome<StackTemplate> StackTemplate::read(std::string_view text) {
  auto root = read_yaml(text);
  if (!root) return validation_error("Template format error: " + root.error().message);
  StackTemplate stack_template;
  stack_template.root_ = std::move(root).value();
  const YamlNode& top = stack_template.root_;
  if (auto fault = wrong_members(top, "a template",
                                 {"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters",
                                  "Conditions", "Resources", "Outputs"}))
    return *std::move(fault);
  if (const YamlNode* const version = top.find("AWSTemplateFormatVersion");
      version && version->text != "2010-09-09")
    return format_error(*version, "unsupported value for AWSTemplateFormatVersion");
  if (const YamlNode* const description = top.find("Description")) {
    DEPUTY_TRY(stack_template.description_, scalar(*description, "Description"));
    if (stack_template.description_.size() > 1024)
      return format_error(*description, "Description has at most 1,024 bytes");
  }
  if (const YamlNode* const parameters = top.find("Parameters")) {
    DEPUTY_TRY(stack_template.read_parameters(*parameters));
  }
  DEPUTY_TRY(stack_template.check_resources());
  return stack_template;
}

Outcome<void> StackTemplate::read_parameters(const YamlNode& section) {
  if (section.kind != Kind::map || section.members.size() > 200)
    return format_error(section, "Parameters is not a map of 200 at most");
  for (const auto& [name, node] : section.members) {
    DEPUTY_TRY(auto declaration, read_parameter(name, node));
    parameters_.push_back(std::move(declaration));
  }
  return success();
}

Outcome<void> StackTemplate::check_resources() const {
  const YamlNode* const resources = root_.find("Resources");
  if (!resources || resources->kind != Kind::map || resources->members.empty())
    return validation_error("Template format error: At least one Resources member must be defined.");
  for (const auto& [logical_id, resource] : resources->members) {
    if (!is_alphanumeric(logical_id))
      return format_error(resource, "Resource name " + in_backticks(logical_id) + " is non alphanumeric.");
    if (auto fault = wrong_members(resource, "a resource", {"Type", "Properties", "Condition", "Metadata"}))
      return *std::move(fault);
    const YamlNode* const type = resource.find("Type");
    if (!type || (type->text != role_type && type->text != policy_type))
      return format_error(
          resource, fmt::format("Unrecognized resource types: [{}]; the sandbox knows {} and {}",
                                type ? type->text.substr(0, 128) : std::string{}, role_type, policy_type));
    if (!resource.find("Properties")) return format_error(resource, "the resource has no Properties");
  }
  return success();
}

std::string_view StackTemplate::needed_capability() const {
  for (const auto& [logical_id, resource] : root_.find("Resources")->members)
    if (resource.find("Properties")->find("RoleName")) return "CAPABILITY_NAMED_IAM";
  return "CAPABILITY_IAM";
}

std::set<std::string, std::less<>> StackTemplate::resource_types() const {
  std::set<std::string, std::less<>> types;
  for (const auto& [logical_id, resource] : root_.find("Resources")->members)
    types.insert(resource.find("Type")->text);
  return types;
}

Outcome<std::map<std::string, std::string, std::less<>>> StackTemplate::values(
    const std::map<std::string, std::string>& given) const {
  std::map<std::string, std::string, std::less<>> values;
  for (const auto& [name, value] : given)
    if (std::ranges::find(parameters_, name, &ParameterDeclaration::name) == parameters_.end())
      return validation_error(
          fmt::format("Parameters: [{}] do not exist in the template", name.substr(0, 255)));
  for (const ParameterDeclaration& declaration : parameters_) {
    const auto found = given.find(declaration.name);
    if (found == given.end() && !declaration.default_value)
      return validation_error(fmt::format("Parameters: [{}] must have values", declaration.name));
    const std::string& value = found == given.end() ? *declaration.default_value : found->second;
    if (auto fault = unfit(declaration, value)) return *std::move(fault);
    values[declaration.name] = value;
  }
  return values;
}

// Conditions are in the scope already; one that is not defined counts as an error before this is asked.
bool StackTemplate::wanted(const YamlNode& resource, const StackScope& scope) const {
  const YamlNode* const condition = resource.find("Condition");
  return !condition || scope.conditions.find(condition->text)->second;
}

Outcome<StackPlan> StackTemplate::plan(const StackIdentity& stack) const {
  StackScope scope = scope_of(stack);
  if (const YamlNode* const conditions = root_.find("Conditions")) {
    if (conditions->kind != Kind::map) return format_error(*conditions, "Conditions is not a map");
    for (const auto& [name, node] : conditions->members) {
      DEPUTY_TRY(scope.conditions[name], resolve_condition(node, scope));
    }
  }
  const YamlNode* const outputs = root_.find("Outputs");
  if (outputs && outputs->kind != Kind::map) return format_error(*outputs, "Outputs is not a map");
  const YamlNode& resources = *root_.find("Resources");
  for (const YamlNode* const section : {&resources, outputs}) {
    if (!section) continue;
    for (const auto& [name, node] : section->members)
      if (const YamlNode* const condition = node.find("Condition");
          condition && !scope.conditions.contains(condition->text))
        return format_error(node,
                            fmt::format("the condition {} is not defined", in_backticks(condition->text)));
  }

  // Roles first: policies and outputs refer to them.
  StackPlan plan;
  for (const auto& [logical_id, resource] : resources.members) {
    if (resource.find("Type")->text != role_type || !wanted(resource, scope)) continue;
    DEPUTY_TRY(auto role, plan_role(logical_id, *resource.find("Properties"), scope, stack));
    plan.roles.push_back(std::move(role));
  }
  for (const PlannedRole& role : plan.roles) {
    scope.references[role.logical_id] = role.description.name;
    scope.attributes[role.logical_id]["Arn"] =
        stack.account.arn("iam", "role" + role.description.path + role.description.name);
  }
  for (const auto& [logical_id, resource] : resources.members) {
    if (resource.find("Type")->text != policy_type || !wanted(resource, scope)) continue;
    DEPUTY_TRY(plan_policy(*resource.find("Properties"), scope, plan.roles));
    plan.policy_resources.push_back(logical_id);
  }
  if (!outputs) return plan;
  for (const auto& [key, node] : outputs->members) {
    if (!wanted(node, scope)) continue;
    DEPUTY_TRY(auto output, read_output(key, node, scope));
    plan.outputs.push_back(std::move(output));
  }
  return plan;
}

}  // namespace deputy::sandbox
