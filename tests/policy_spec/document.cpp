#include "policy_spec/operators.hpp"
#include "policy_spec/spec.hpp"
#include "policy_spec/values.hpp"

#include <algorithm>

// What a document must be to be taken: the grammar of the IAM User Guide, and the strict readings of
// docs/policy-semantics.md.
namespace deputy::policy_spec {
namespace {

using json::Value;
using Set = std::set<std::string>;

bool is_one_of(std::string_view text, const Set& set) {
  return set.contains(std::string{text});
}
bool consists_of(std::string_view text, std::string_view alphabet) {
  return !text.empty() && text.find_first_not_of(alphabet) == std::string_view::npos;
}
const std::string upper_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", digits = "0123456789";
const std::string letters_and_digits = "abcdefghijklmnopqrstuvwxyz" + upper_letters + digits;

// A string, or a list of at least one; each good by itself.
template <class Good>
bool each(const Value& value, Good good) {
  if (!value.is(json::Kind::array)) return good(value);
  return !value.elements.empty() && std::all_of(value.elements.begin(), value.elements.end(), good);
}
template <class Good>
bool each_text(const Value& value, Good good) {
  return each(value, [&](const Value& one) { return one.is(json::Kind::string) && good(one.text); });
}

bool is_account(std::string_view text) {
  return text.size() == 12 && consists_of(text, digits);
}

// Printable ASCII without blanks and wildcards.
bool is_plain_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '*' && c != '?' && c != '$';
  });
}

bool is_identity_arn(std::string_view text) {
  const auto parts = [&] {
    Texts out{""};
    for (const char c : text) c == ':' ? out.emplace_back() : out.back() += c;
    return out;
  }();
  if (parts.size() != 6 || parts[0] != "arn" || !is_one_of(parts[1], {"aws", "aws-cn", "aws-us-gov"}))
    return false;
  if (!parts[3].empty() || !is_account(parts[4])) return false;
  const std::string& rest = parts[5];
  const auto slashes = std::count(rest.begin(), rest.end(), '/');
  const std::string kind = rest.substr(0, rest.find('/'));
  if (parts[2] == "iam" && rest == "root") return true;
  if (slashes == 0 || rest.back() == '/') return false;
  if (parts[2] == "iam") return is_one_of(kind, {"user", "role"});
  if (parts[2] != "sts") return false;
  return kind == "federated-user" || (kind == "assumed-role" && slashes == 2);
}

bool is_unique_id(std::string_view text) {
  return is_one_of(text.substr(0, 4), {"AROA", "AIDA"}) && text.size() >= 16 && text.size() <= 128 &&
         consists_of(text, upper_letters + digits);
}

bool is_principal(std::string_view type, std::string_view text) {
  if (type == "AWS") {
    return text == "*" ||
           (is_plain_name(text) && (is_account(text) || is_unique_id(text) || is_identity_arn(text)));
  }
  if (type == "Service") {
    return is_plain_name(text) && text.find('.') != std::string_view::npos &&
           text.find_first_of(":/") == std::string_view::npos;
  }
  if (type == "Federated") return is_plain_name(text) && text.find_first_of(".:") != std::string_view::npos;
  return type == "CanonicalUser" && text.size() == 64 && consists_of(text, digits + "abcdef");
}

bool are_principals(const Value& value) {
  if (value.is(json::Kind::string)) return value.text == "*";
  return value.is(json::Kind::object) && !value.members.empty() &&
         std::all_of(value.members.begin(), value.members.end(), [](const json::Member& type) {
           return each_text(type.value,
                            [&](const std::string& text) { return is_principal(type.name, text); });
         });
}

bool is_action(const std::string& text, Kind kind) {
  if (text == "*") return true;
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return false;
  const std::string service = text.substr(0, colon), name = text.substr(colon + 1);
  const std::string allowed = letters_and_digits + "-_*?";
  if (!consists_of(service, allowed) || !consists_of(name, allowed)) return false;
  const Value nothing;
  return kind != Kind::trust || stands_for(*filled_in(lower(service), false, nothing), characters_of("sts"));
}

// Six parts of which variables bring none.
bool is_arn_pattern(std::string_view text, bool knows_variables) {
  const std::string written = knows_variables ? outside_variables(text) : std::string{text};
  return text.starts_with("arn:") && is_arn(written);
}

bool is_resource(const std::string& text, bool knows_variables) {
  if (knows_variables && !has_well_formed_variables(text)) return false;
  return text == "*" || is_arn_pattern(text, knows_variables);
}

bool is_condition_value(const Value& value, const std::string& base, bool knows_variables) {
  const bool numeric = base.starts_with("Numeric"), date = base.starts_with("Date");
  const bool truth = base == "Bool" || base == "Null";
  std::string text = value.text;
  if (value.is(json::Kind::number)) {
    if (!numeric && !date) return false;
  } else if (value.is(json::Kind::boolean)) {
    return truth;
  } else if (!value.is(json::Kind::string)) {
    return false;
  } else if (base != "Null" && knows_variables && has_variables(text)) {
    return has_well_formed_variables(text);
  }
  if (numeric) return number_of(text).has_value();
  if (date) return moment_of(text).has_value();
  if (truth) return is_one_of(text, {"true", "false"});
  if (base == "IpAddress") return block_of(text).has_value();
  if (base == "BinaryEquals") return is_base64(text);
  if (base.starts_with("Arn")) return is_arn_pattern(text, false);
  return true;
}

bool is_condition_key(const std::string& key) {
  const std::size_t colon = key.find(':');
  return colon != std::string::npos && colon > 0 && colon + 1 < key.size() &&
         std::none_of(key.begin(), key.end(), [](char c) { return c >= 0 && c < ' '; });
}

bool is_condition(const Value& value, bool knows_variables) {
  if (!value.is(json::Kind::object)) return false;
  for (const json::Member& block : value.members) {
    const auto op = operator_named(block.name);
    if (!op || !block.value.is(json::Kind::object) || block.value.members.empty()) return false;
    Set keys;
    for (const json::Member& key : block.value.members) {
      if (!is_condition_key(key.name) || !keys.insert(lower(key.name)).second) return false;
      if (!each(key.value,
                [&](const Value& one) { return is_condition_value(one, op->base, knows_variables); }))
        return false;
    }
  }
  return true;
}

bool has_one_of(const Value& statement, std::string_view a, std::string_view b) {
  return (statement.find(a) != nullptr) != (statement.find(b) != nullptr);
}

bool is_statement(const Value& value, Kind kind, bool knows_variables) {
  if (!value.is(json::Kind::object)) return false;
  const bool principals = kind == Kind::trust || kind == Kind::resource, resources = kind != Kind::trust;
  Set known{"Sid", "Effect", "Action", "NotAction", "Condition"};
  if (principals) known.insert("Principal");
  if (kind == Kind::resource) known.insert("NotPrincipal");
  if (resources) known.insert({"Resource", "NotResource"});
  for (const json::Member& member : value.members) {
    const Value& is = member.value;
    if (!known.contains(member.name)) return false;
    if (member.name == "Sid" &&
        !(is.is(json::Kind::string) && (is.text.empty() || consists_of(is.text, letters_and_digits))))
      return false;
    if (member.name == "Effect" && !(is.is(json::Kind::string) && is_one_of(is.text, {"Allow", "Deny"})))
      return false;
    if (member.name.ends_with("Principal") && !are_principals(is)) return false;
    if (member.name.ends_with("Action") &&
        !each_text(is, [&](const std::string& text) { return is_action(text, kind); }))
      return false;
    if (member.name.ends_with("Resource") &&
        !each_text(is, [&](const std::string& text) { return is_resource(text, knows_variables); }))
      return false;
    if (member.name == "Condition" && !is_condition(is, knows_variables)) return false;
  }
  if (value.find("Effect") == nullptr || !has_one_of(value, "Action", "NotAction")) return false;
  if (principals && !has_one_of(value, "Principal", "NotPrincipal")) return false;
  if (resources && !has_one_of(value, "Resource", "NotResource")) return false;
  return value.find("NotPrincipal") == nullptr || member_text(value, "Effect") == "Deny";
}

}  // namespace

std::optional<Operator> operator_named(std::string_view name) {
  Operator out;
  for (const std::string_view qualifier : {"ForAllValues", "ForAnyValue"}) {
    if (!name.starts_with(std::string{qualifier} + ":")) continue;
    out.qualifier = qualifier;
    name.remove_prefix(qualifier.size() + 1);
    break;
  }
  if (name.ends_with("IfExists")) {
    out.if_exists = true;
    name.remove_suffix(std::string_view{"IfExists"}.size());
  }
  const Set plain{"StringEquals",
                  "StringEqualsIgnoreCase",
                  "StringLike",
                  "NumericEquals",
                  "NumericLessThan",
                  "NumericLessThanEquals",
                  "NumericGreaterThan",
                  "NumericGreaterThanEquals",
                  "DateEquals",
                  "DateLessThan",
                  "DateLessThanEquals",
                  "DateGreaterThan",
                  "DateGreaterThanEquals",
                  "Bool",
                  "BinaryEquals",
                  "IpAddress",
                  "ArnEquals",
                  "ArnLike"};
  const Set negatable{
      "StringEquals", "StringEqualsIgnoreCase", "StringLike", "NumericEquals", "DateEquals", "ArnEquals",
      "ArnLike"};
  if (name == "Null") {
    out.base = name;
    return out.qualifier.empty() && !out.if_exists ? std::optional{out} : std::nullopt;
  }
  if (name == "NotIpAddress") {
    out.base = "IpAddress";
    out.negated = true;
    return out;
  }
  if (plain.contains(std::string{name})) {
    out.base = name;
    return out;
  }
  for (const std::string& base : negatable) {
    std::string with_not = base;
    with_not.insert(base.find_first_of("EL", 1), "Not");
    if (with_not != name) continue;
    out.base = base;
    out.negated = true;
    return out;
  }
  return std::nullopt;
}

bool is_valid(const Value& document, Kind kind) {
  if (!document.is(json::Kind::object)) return false;
  for (const json::Member& member : document.members)
    if (!is_one_of(member.name, {"Version", "Id", "Statement"})) return false;
  const Value* version = document.find("Version");
  const Value* id = document.find("Id");
  const Value* statements = document.find("Statement");
  if (version != nullptr &&
      !(version->is(json::Kind::string) && is_one_of(version->text, {"2008-10-17", "2012-10-17"})))
    return false;
  if (id != nullptr && !id->is(json::Kind::string)) return false;
  if (statements == nullptr) return false;
  const bool knows_variables = version != nullptr && version->text == "2012-10-17";
  Set sids;
  return each(*statements, [&](const Value& statement) {
    const std::string sid = member_text(statement, "Sid");
    return is_statement(statement, kind, knows_variables) && (sid.empty() || sids.insert(sid).second);
  });
}

}  // namespace deputy::policy_spec
