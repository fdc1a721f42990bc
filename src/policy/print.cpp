#include <algorithm>
#include <fmt/format.h>

#include "policy/policy.hpp"

namespace deputy::policy {
namespace {

struct CodePoint {
  char32_t value;
  std::size_t bytes;
};

// `text` is valid UTF-8: the JSON reader took nothing else.
CodePoint decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  const char32_t lead = byte(0);
  const std::size_t wanted = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const std::size_t bytes = std::min(wanted, text.size());
  char32_t value = bytes == 1 ? lead : lead & (0xffU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) value = (value << 6U) | (byte(i) & 0x3fU);
  return {value, bytes};
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const CodePoint point = decode(text);
    const auto value = static_cast<unsigned>(point.value);
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
    text.remove_prefix(point.bytes);
  }
  return out + '"';
}

std::string list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() == 1 ? "" : ",") + quoted(text);
  return out + "]";
}

std::string_view member_name(PrincipalType type) {
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

// Principals of one member stand together, as they were read.
std::string principals(const std::vector<StatementPrincipal>& all) {
  std::string out = "{";
  for (std::size_t i = 0; i < all.size();) {
    const std::string_view name = member_name(all[i].type);
    std::vector<std::string> values;
    for (; i < all.size() && member_name(all[i].type) == name; ++i) {
      values.push_back(all[i].type == PrincipalType::everyone ? "*" : all[i].value);
    }
    out += fmt::format("{}\"{}\":{}", out.size() == 1 ? "" : ",", name, list(values));
  }
  return out + "}";
}

// Keys of one operator stand together, as they were read.
std::string conditions(const std::vector<Condition>& all) {
  std::string out = "{";
  for (std::size_t i = 0; i < all.size();) {
    const ConditionOperator current = all[i].condition_operator;
    out += fmt::format("{}\"{}\":{{", out.size() == 1 ? "" : ",", to_text(current));
    for (const std::size_t first = i; i < all.size() && all[i].condition_operator == current; ++i) {
      out += fmt::format("{}{}:{}", i == first ? "" : ",", quoted(all[i].key), list(all[i].values));
    }
    out += "}";
  }
  return out + "}";
}

std::string statement(const Statement& one) {
  std::string out = "{";
  if (!one.sid.empty()) out += fmt::format("\"Sid\":{},", quoted(one.sid));
  out += fmt::format("\"Effect\":\"{}\"", one.effect == Effect::allow ? "Allow" : "Deny");
  if (!one.principals.empty()) {
    out += fmt::format(",\"{}\":{}", one.not_principal ? "NotPrincipal" : "Principal",
                       principals(one.principals));
  }
  out += fmt::format(",\"{}\":{}", one.not_action ? "NotAction" : "Action", list(one.actions));
  if (!one.resources.empty()) {
    out += fmt::format(",\"{}\":{}", one.not_resource ? "NotResource" : "Resource", list(one.resources));
  }
  if (!one.conditions.empty()) out += ",\"Condition\":" + conditions(one.conditions);
  return out + "}";
}

}  // namespace

std::string print(const Policy& policy) {
  std::string out = fmt::format("{{\"Version\":\"{}\"",
                                policy.version() == Version::v2012_10_17 ? "2012-10-17" : "2008-10-17");
  if (!policy.id().empty()) out += ",\"Id\":" + quoted(policy.id());
  out += ",\"Statement\":[";
  for (const Statement& one : policy.statements())
    out += (&one == policy.statements().data() ? "" : ",") + statement(one);
  return out + "]}";
}

}  // namespace deputy::policy
