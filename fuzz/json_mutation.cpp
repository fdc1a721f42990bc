#include "json_mutation.hpp"

#include <algorithm>
#include <vector>

#include "json/reader.hpp"
#include "json/text.hpp"

namespace deputy::fuzz {
namespace {

using json::Kind;
using json::Value;
using policy_spec::Choices;

// What policies are made of: keys, operators, principals, values, patterns, and each in a wrong form.
constexpr const char* words[] = {"Version",
                                 "2012-10-17",
                                 "2008-10-17",
                                 "Statement",
                                 "Effect",
                                 "Allow",
                                 "Deny",
                                 "Principal",
                                 "NotPrincipal",
                                 "Action",
                                 "NotAction",
                                 "Resource",
                                 "Condition",
                                 "Sid",
                                 "AWS",
                                 "Service",
                                 "Federated",
                                 "CanonicalUser",
                                 "sts:AssumeRole",
                                 "sts:TagSession",
                                 "sts:*",
                                 "*",
                                 "?",
                                 "sts:ExternalId",
                                 "STS:externalid",
                                 "sts:RoleSessionName",
                                 "aws:PrincipalArn",
                                 "aws:PrincipalAccount",
                                 "aws:PrincipalTag/x",
                                 "aws:TagKeys",
                                 "aws:SourceIp",
                                 "aws:CurrentTime",
                                 "aws:MultiFactorAuthPresent",
                                 "k:n",
                                 "StringEquals",
                                 "StringNotEquals",
                                 "StringEqualsIgnoreCase",
                                 "StringNotEqualsIgnoreCase",
                                 "StringLike",
                                 "StringNotLike",
                                 "StringEqualsIfExists",
                                 "StringNotEqualsIfExists",
                                 "ForAnyValue:StringEquals",
                                 "ForAllValues:StringEquals",
                                 "ForAnyValue:StringNotLike",
                                 "ForAllValues:StringLikeIfExists",
                                 "Null",
                                 "Bool",
                                 "BoolIfExists",
                                 "NumericLessThan",
                                 "NumericEquals",
                                 "DateGreaterThan",
                                 "DateLessThanEquals",
                                 "IpAddress",
                                 "NotIpAddress",
                                 "ArnLike",
                                 "ArnNotEquals",
                                 "BinaryEquals",
                                 "true",
                                 "false",
                                 "4f6c1b1e-2a7d-4c55-9b0e-7d1f0a3c9e42",
                                 "0d9e8c7b-5a43-4f21-b0c9-8e7d6f5a4b3c",
                                 "4f6c*",
                                 "${sts:RoleSessionName}",
                                 "${aws:PrincipalTag/x, 'ab'}",
                                 "${*}",
                                 "111111111111",
                                 "222222222222",
                                 "999999999999",
                                 "arn:aws:iam::111111111111:role/deputy-broker",
                                 "arn:aws:iam::111111111111:root",
                                 "arn:aws:iam::*:role/*",
                                 "arn:aws:sts::111111111111:assumed-role/deputy-broker/deploy",
                                 "arn:aws:iam::222222222222:oidc-provider/idp.example.com",
                                 "idp.example.com:sub",
                                 "AROAEXAMPLEEXAMPLE01",
                                 "10.0.0.0/8",
                                 "0.0.0.0/0",
                                 "::/0",
                                 "::ffff:0:0/96",
                                 "2026-01-01",
                                 "1767225600",
                                 "5",
                                 "-1.5",
                                 "10abc",
                                 "QQ==",
                                 "",
                                 "\xc3\xa9"};

void collect(Value& value, std::vector<Value*>& out) {
  out.push_back(&value);
  for (Value& element : value.elements) collect(element, out);
  for (json::Member& member : value.members) collect(member.value, out);
}

Value text_value(std::string text) {
  Value out;
  out.kind = Kind::string;
  out.text = std::move(text);
  return out;
}

std::string bent(std::string text, Choices& choices) {
  static constexpr const char* bits[] = {"*", "?", "a", "0", ":", "/", "${", "}", "\xc3\xa9", "\n", "A", "-"};
  const std::size_t at = choices.below(text.size() + 1);
  switch (choices.below(4)) {
    case 0:
      return text.substr(0, at);
    case 1:
      return text.insert(at, choices.any_of(bits));
    case 2:
      if (at < text.size()) text.replace(at, 1, choices.any_of(bits));
      return text;
    default:
      return text.substr(0, at) + text;
  }
}

void change(Value& value, const std::vector<Value*>& all, Choices& choices) {
  const auto other = [&] { return *all[choices.below(all.size())]; };
  const bool is_list = value.is(Kind::array) && !value.elements.empty();
  const bool is_object = value.is(Kind::object) && !value.members.empty();
  const std::size_t member = is_object ? choices.below(value.members.size()) : 0;
  const std::size_t element = is_list ? choices.below(value.elements.size()) : 0;
  switch (choices.below(9)) {
    case 0:
      if (is_list) value.elements.erase(value.elements.begin() + static_cast<std::ptrdiff_t>(element));
      if (is_object) value.members.erase(value.members.begin() + static_cast<std::ptrdiff_t>(member));
      break;
    case 1:
      if (is_list) value.elements.push_back(value.elements[element]);
      if (is_object) value.members.push_back({choices.any_of(words), {}, value.members[member].value});
      break;
    case 2:
      if (is_object) value.members[member].name = choices.any_of(words);
      break;
    case 3: {
      Value copy = other();
      if (value.is(Kind::array)) {
        value.elements.push_back(std::move(copy));
      } else if (value.is(Kind::object)) {
        value.members.push_back({choices.any_of(words), {}, std::move(copy)});
      } else {
        value = std::move(copy);
      }
      break;
    }
    case 4: {
      Value list;
      list.kind = Kind::array;
      list.elements = {value, other()};
      value = std::move(list);
      break;
    }
    case 5:
    case 6:
      if (value.is(Kind::string)) value.text = bent(value.text, choices);
      break;
    default:
      if (!is_list && !is_object) value = text_value(choices.any_of(words));
      if (is_list) value.elements.push_back(text_value(choices.any_of(words)));
  }
}

std::string with_bytes_changed(std::string text, Choices& choices) {
  const std::size_t at = choices.below(text.size() + 1);
  switch (choices.below(4)) {
    case 0:
      return text.insert(at, 1, static_cast<char>(choices.below(256)));
    case 1:
      return text.erase(at, 1 + choices.below(4));
    case 2:
      return text.insert(at, choices.any_of(words));
    default:
      if (at < text.size()) text[at] = static_cast<char>(choices.below(256));
      return text;
  }
}

}  // namespace

std::string written(const Value& value) {
  std::string out;
  switch (value.kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return value.boolean ? "true" : "false";
    case Kind::number:
      return value.text;
    case Kind::string:
      return json::in_quotes(value.text);
    case Kind::array:
      for (const Value& element : value.elements) out += (out.empty() ? "" : ",") + written(element);
      return "[" + out + "]";
    case Kind::object:
      for (const json::Member& member : value.members)
        out += (out.empty() ? "" : ",") + json::in_quotes(member.name) + ":" + written(member.value);
      return "{" + out + "}";
  }
  return out;
}

std::string mutated(std::string_view json, Choices& choices, std::size_t size_max) {
  auto read = json::read(json);
  std::string out;
  if (!read || choices.once_in(16)) {
    out = with_bytes_changed(std::string{json}, choices);
  } else {
    for (std::size_t i = 0, count = 1 + choices.below(3); i < count; ++i) {
      std::vector<Value*> all;
      collect(read.value(), all);
      change(*all[choices.below(all.size())], all, choices);
    }
    out = written(read.value());
  }
  return out.size() > size_max ? std::string{json.substr(0, size_max)} : out;
}

}  // namespace deputy::fuzz
