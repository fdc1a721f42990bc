#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

// Reading YAML as CloudFormation takes it: one document, no anchors or aliases, no null, names unique, tags
// kept. JSON is YAML too. The parser is yaml-cpp's.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
namespace deputy::sandbox {

struct YamlMember;

struct YamlNode {
  enum class Kind { scalar, sequence, map };
  Kind kind = Kind::scalar;
  std::string tag;     // `!Ref`; empty without one
  std::string text;    // of a scalar
  bool plain = false;  // a scalar without quotes: a number or a boolean, when it looks like one
  std::vector<YamlNode> elements;
  std::vector<YamlMember> members;  // of a map, in the order written
  std::size_t line = 1;

  // The member's value, or nullptr.
  const YamlNode* find(std::string_view name) const;
};

struct YamlMember {
  std::string name;
  YamlNode value;
};

// At most 51,200 bytes, 40 levels, 10,000 nodes. Errors are `invalid_request`, with the line.
Result<YamlNode> read_yaml(std::string_view text);

}  // namespace deputy::sandbox
