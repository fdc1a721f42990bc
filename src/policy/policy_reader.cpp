#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <utility>

#include "policy/condition_reader.hpp"
#include "policy/pattern.hpp"
#include "policy/policy.hpp"
#include "policy/principal_reader.hpp"

namespace deputy::policy {
namespace {

bool is_trust(PolicyKind kind) {
  return kind == PolicyKind::trust;
}
bool has_principals(PolicyKind kind) {
  return kind == PolicyKind::trust || kind == PolicyKind::resource;
}

std::string_view statement_members(PolicyKind kind) {
  if (is_trust(kind)) return "Sid, Effect, Principal, Action, NotAction, Condition";
  if (kind == PolicyKind::resource) {
    return "Sid, Effect, Principal, NotPrincipal, Action, NotAction, Resource, NotResource, Condition";
  }
  return "Sid, Effect, Action, NotAction, Resource, NotResource, Condition";
}

Error unknown_member(const json::Member& member, std::string_view where, std::string_view known) {
  return invalid_policy(
      fmt::format("unknown member {} in {}; known are {}", in_backticks(member.name), where, known),
      member.position);
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// `*`, or service and action, with wildcards. Variables do not work in actions.
bool is_action(std::string_view text) {
  if (text == "*") return true;
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos || colon + 1 == text.size()) return false;
  const auto allowed = [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '_' || c == '*' || c == '?';
  };
  return std::all_of(text.begin(), text.begin() + colon, allowed) &&
         std::all_of(text.begin() + colon + 1, text.end(), allowed);
}

// A role can only be assumed: AWS refuses a trust policy that names another service's actions.
bool is_trust_action(std::string_view text) {
  return text == "*" || glob_matches_ignoring_case(text.substr(0, text.find(':')), "sts");
}

// What stands there without the variables: they cannot bring an ARN's colons.
std::string written(const std::string& text, const VariableText& taken_apart) {
  if (!taken_apart.has_variables()) return text;
  std::string out;
  for (const VariableText::Part& part : taken_apart.parts)
    if (part.kind == VariableText::Kind::plain) out += part.text;
  return out;
}

// AWS takes these characters and no others: tab, LF, CR, U+0020–U+00FF. In escapes others may stand.
Result<void> check_characters(std::string_view document) {
  json::Position position;
  for (std::size_t i = 0; i < document.size(); ++i, ++position.offset, ++position.column) {
    const auto byte = static_cast<unsigned char>(document[i]);
    if (byte > 0xc3) return invalid_policy("a character beyond U+00FF, which IAM does not take", position);
    if (byte == '\n') {
      ++position.line;
      position.column = 0;
    }
  }
  return success();
}

}  // namespace

bool operator==(const Statement& a, const Statement& b) {
  return a.sid == b.sid && a.effect == b.effect && a.not_principal == b.not_principal &&
         a.principals == b.principals && a.not_action == b.not_action && a.actions == b.actions &&
         a.not_resource == b.not_resource && a.resources == b.resources && a.conditions == b.conditions;
}

// Builds one policy from its JSON tree.
class PolicyReader {
 public:
  explicit PolicyReader(PolicyKind kind) { policy_.kind_ = kind; }

  Result<Policy> read(const json::Value& document) && {
    if (!document.is(json::Kind::object)) {
      return invalid_policy(fmt::format("a policy must be an object, not {}", json::to_text(document.kind)),
                            document.position);
    }
    const json::Value* statements = nullptr;
    for (const json::Member& member : document.members) {
      if (member.name == "Version") {
        DEPUTY_TRY(read_version(member.value));
      } else if (member.name == "Id") {
        DEPUTY_TRY(policy_.id_, read_string(member.value, "Id"));
      } else if (member.name == "Statement") {
        statements = &member.value;
      } else {
        return unknown_member(member, "the policy", "Version, Id, Statement");
      }
    }
    if (statements == nullptr) return invalid_policy("Statement is missing", document.position);
    DEPUTY_TRY(read_statements(*statements));
    return std::move(policy_);
  }

 private:
  static Result<std::string> read_string(const json::Value& value, std::string_view what) {
    if (!value.is(json::Kind::string)) {
      return invalid_policy(fmt::format("{} must be a string, not {}", what, json::to_text(value.kind)),
                            value.position);
    }
    return value.text;
  }

  Result<void> read_version(const json::Value& value) {
    DEPUTY_TRY(auto text, read_string(value, "Version"));
    if (text == "2012-10-17") {
      policy_.version_ = Version::v2012_10_17;
    } else if (text == "2008-10-17") {
      policy_.version_ = Version::v2008_10_17;
    } else {
      return invalid_policy(
          fmt::format("unknown Version {}; it must be `2012-10-17` or `2008-10-17`", in_backticks(text)),
          value.position);
    }
    return success();
  }

  Result<void> read_statements(const json::Value& value) {
    std::vector<const json::Value*> list{&value};
    if (value.is(json::Kind::array)) {
      list.clear();
      for (const json::Value& element : value.elements) list.push_back(&element);
    }
    if (list.empty()) return invalid_policy("Statement is an empty list", value.position);
    std::set<std::string> sids;
    for (const json::Value* element : list) {
      DEPUTY_TRY(auto statement, read_statement(*element));
      if (!statement.sid.empty() && !sids.insert(statement.sid).second) {
        return invalid_policy(fmt::format("two statements have the Sid {}", in_backticks(statement.sid)),
                              element->position);
      }
      policy_.statements_.push_back(std::move(statement));
    }
    return success();
  }

  Result<Statement> read_statement(const json::Value& value) const {
    if (!value.is(json::Kind::object)) {
      return invalid_policy(fmt::format("a statement must be an object, not {}", json::to_text(value.kind)),
                            value.position);
    }
    Statement statement;
    statement.position = value.position;
    bool has_effect = false;
    for (const json::Member& member : value.members) {
      DEPUTY_TRY(read_member(member, statement));
      has_effect = has_effect || member.name == "Effect";
    }
    if (!has_effect) return invalid_policy("Effect is missing", value.position);
    if (statement.actions.empty()) return invalid_policy("Action is missing", value.position);
    if (has_principals(policy_.kind_) && statement.principals.empty()) {
      return invalid_policy("Principal is missing", value.position);
    }
    // "Using it with Effect Allow is not supported": it would let in everybody else, anonymous callers too.
    if (statement.not_principal && statement.effect == Effect::allow) {
      return invalid_policy("NotPrincipal can stand in a Deny only; name who is allowed in Principal",
                            value.position);
    }
    if (!is_trust(policy_.kind_) && statement.resources.empty()) {
      return invalid_policy("Resource is missing", value.position);
    }
    return statement;
  }

  Result<void> read_member(const json::Member& member, Statement& statement) const {
    const std::string& name = member.name;
    if (name == "Sid") return read_sid(member.value, statement);
    if (name == "Effect") return read_effect(member.value, statement);
    if (name == "Action" || name == "NotAction") return read_actions(member, statement);
    if (name == "Condition") return read_conditions(member.value, policy_.version_, statement.conditions);
    if ((name == "Principal" && has_principals(policy_.kind_)) ||
        (name == "NotPrincipal" && policy_.kind_ == PolicyKind::resource)) {
      return read_principals_of(member, statement);
    }
    if ((name == "Resource" || name == "NotResource") && !is_trust(policy_.kind_)) {
      return read_resources(member, statement);
    }
    if (name == "Principal" || name == "NotPrincipal") {
      return invalid_policy(is_trust(policy_.kind_)
                                ? "NotPrincipal is not supported in a trust policy; use Principal"
                                : fmt::format("{} cannot stand in this policy: it belongs to "
                                              "policies of resources",
                                              name),
                            member.position);
    }
    if (name == "Resource" || name == "NotResource") {
      return invalid_policy(fmt::format("{} cannot stand in a trust policy: the role is the resource", name),
                            member.position);
    }
    return unknown_member(member, "a statement", statement_members(policy_.kind_));
  }

  static Result<void> read_principals_of(const json::Member& member, Statement& statement) {
    if (!statement.principals.empty()) {
      return invalid_policy("a statement has either Principal or NotPrincipal, not both", member.position);
    }
    statement.not_principal = member.name == "NotPrincipal";
    DEPUTY_TRY(statement.principals, read_principals(member.value, member.name));
    return success();
  }

  static Result<void> read_sid(const json::Value& value, Statement& statement) {
    DEPUTY_TRY(statement.sid, read_string(value, "Sid"));
    if (std::all_of(statement.sid.begin(), statement.sid.end(), is_alphanumeric)) return success();
    return invalid_policy(
        fmt::format("the Sid {} must hold letters and digits only", in_backticks(statement.sid)),
        value.position);
  }

  static Result<void> read_effect(const json::Value& value, Statement& statement) {
    DEPUTY_TRY(auto text, read_string(value, "Effect"));
    if (text != "Allow" && text != "Deny") {
      return invalid_policy(
          fmt::format("unknown Effect {}; it must be `Allow` or `Deny`", in_backticks(text)), value.position);
    }
    statement.effect = text == "Allow" ? Effect::allow : Effect::deny;
    return success();
  }

  Result<void> read_actions(const json::Member& member, Statement& statement) const {
    if (!statement.actions.empty()) {
      return invalid_policy("a statement has either Action or NotAction, not both", member.position);
    }
    DEPUTY_TRY(auto texts, read_strings(member.value, member.name));
    statement.not_action = member.name == "NotAction";
    for (const json::Value* text : texts) {
      if (!is_action(text->text)) {
        return invalid_policy(fmt::format("{} is no action; it must be `*` or such as `s3:GetObject`",
                                          in_backticks(text->text)),
                              text->position);
      }
      if (is_trust(policy_.kind_) && !is_trust_action(text->text)) {
        return invalid_policy(
            fmt::format("{} cannot stand in a trust policy, only actions of sts", in_backticks(text->text)),
            text->position);
      }
      statement.actions.push_back(text->text);
    }
    return success();
  }

  Result<void> read_resources(const json::Member& member, Statement& statement) const {
    if (!statement.resources.empty()) {
      return invalid_policy("a statement has either Resource or NotResource, not both", member.position);
    }
    DEPUTY_TRY(auto texts, read_strings(member.value, member.name));
    statement.not_resource = member.name == "NotResource";
    for (const json::Value* text : texts) {
      DEPUTY_TRY(auto taken_apart, read_variable_text(*text, policy_.version_));
      const bool is_pattern = text->text == "*" || (text->text.starts_with("arn:") &&
                                                    has_arn_segments(written(text->text, taken_apart)));
      if (!is_pattern) {
        return invalid_policy(
            fmt::format("{} is no resource; it must be `*` or an ARN of six parts, wildcards allowed",
                        in_backticks(text->text)),
            text->position);
      }
      statement.resources.push_back(text->text);
      statement.resource_texts.push_back(std::move(taken_apart));
    }
    return success();
  }

  Policy policy_;
};

Result<Policy> Policy::read(std::string_view document, PolicyKind kind) {
  DEPUTY_TRY(auto tree, json::read(document));
  DEPUTY_TRY(check_characters(document));
  return PolicyReader{kind}.read(tree);
}

}  // namespace deputy::policy
