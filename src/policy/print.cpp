#include <algorithm>
#include <fmt/format.h>

#include "json/text.hpp"
#include "policy/policy.hpp"
#include "policy/principal_reader.hpp"

namespace deputy::policy {
namespace {

using json::in_quotes;

std::string list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() == 1 ? "" : ",") + in_quotes(text);
  return out + "]";
}

// Principals of one member stand together, as they were read.
std::string principals(const std::vector<StatementPrincipal>& all) {
  std::string out = "{";
  for (std::size_t i = 0; i < all.size();) {
    const std::string_view name = member_name(all[i].type);
    std::vector<std::string> values;
    for (; i < all.size() && member_name(all[i].type) == name; ++i) {
      values.push_back(written(all[i]));
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
      out += fmt::format("{}{}:{}", i == first ? "" : ",", in_quotes(all[i].key), list(all[i].values));
    }
    out += "}";
  }
  return out + "}";
}

std::string statement(const Statement& one) {
  std::string out = "{";
  if (!one.sid.empty()) out += fmt::format("\"Sid\":{},", in_quotes(one.sid));
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
  if (!policy.id().empty()) out += ",\"Id\":" + in_quotes(policy.id());
  out += ",\"Statement\":[";
  for (const Statement& one : policy.statements())
    out += (&one == policy.statements().data() ? "" : ",") + statement(one);
  return out + "]}";
}

}  // namespace deputy::policy
