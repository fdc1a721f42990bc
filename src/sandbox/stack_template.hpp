#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/roles.hpp"
#include "sandbox/stack_functions.hpp"

// A CloudFormation template of roles and their inline policies, which is what Deputy's templates are:
// AWS::IAM::Role, AWS::IAM::Policy, Parameters of the type String, Conditions, Outputs, Metadata. All else is
// refused, never skipped.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
namespace deputy::sandbox {

struct ParameterDeclaration {
  std::string name;
  std::optional<std::string> default_value;
  std::string description, allowed_pattern, constraint_description;
  std::vector<std::string> allowed_values;
  std::size_t length_min = 0, length_max = 4096;
  bool no_echo = false;
};

// A role as the template wants it, with all inline policies that go with it.
struct PlannedRole {
  std::string logical_id;
  RoleDescription description;
  bool named = false;  // by the template
  std::map<std::string, std::string> policies;
};
struct StackPlan {
  std::vector<PlannedRole> roles;
  std::vector<std::string> policy_resources;  // logical IDs of AWS::IAM::Policy
  std::vector<StackOutput> outputs;
};

// The stack that a plan is made for.
struct StackIdentity {
  const Account& account;
  std::string region, name, id;
  std::map<std::string, std::string, std::less<>> parameters;  // by ParameterDeclaration's rules
  // The name for a role that the template does not name.
  std::function<std::string(const std::string& logical_id)> name_role;
};

class StackTemplate {
 public:
  static Outcome<StackTemplate> read(std::string_view text);

  const std::string& description() const { return description_; }
  const std::vector<ParameterDeclaration>& parameters() const { return parameters_; }
  // `CAPABILITY_NAMED_IAM` where the template names a role, else `CAPABILITY_IAM`.
  std::string_view needed_capability() const;
  // The types of its resources, each once.
  std::set<std::string, std::less<>> resource_types() const;
  // The values that count: given ones, else defaults. `ValidationError` for an unknown, missing or unfit one.
  Outcome<std::map<std::string, std::string, std::less<>>> values(
      const std::map<std::string, std::string>& given) const;

  Outcome<StackPlan> plan(const StackIdentity& stack) const;

 private:
  Outcome<void> read_parameters(const YamlNode& section);
  Outcome<void> check_resources() const;
  bool wanted(const YamlNode& resource, const StackScope& scope) const;

  YamlNode root_;
  std::string description_;
  std::vector<ParameterDeclaration> parameters_;
};

}  // namespace deputy::sandbox
