#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "json/reader.hpp"
#include "sandbox/answer.hpp"
#include "sandbox/yaml_reader.hpp"

// CloudFormation's intrinsic functions: Ref, Sub, GetAtt, Join, If, and in Conditions Equals, Not, And, Or,
// Condition; short and long forms.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
namespace deputy::sandbox {

// What functions may refer to.
struct StackScope {
  std::map<std::string, std::string, std::less<>>
      references;  // parameters, pseudo parameters, resources → their Ref
  std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>>
      attributes;  // resource → attribute → value
  std::map<std::string, bool, std::less<>> conditions;
};

// `Template format error: …` / `Template error: …`, with the line.
Fault template_error(const YamlNode& node, std::string_view reason);

// The value with every function carried out; nullopt for AWS::NoValue.
Outcome<std::optional<json::Value>> resolve(const YamlNode& node, const StackScope& scope);
// The same where there must be text; numbers and booleans count as their text.
Outcome<std::string> resolve_text(const YamlNode& node, const StackScope& scope);
Outcome<bool> resolve_condition(const YamlNode& node, const StackScope& scope);

}  // namespace deputy::sandbox
