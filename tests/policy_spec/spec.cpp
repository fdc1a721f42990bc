#include "policy_spec/spec.hpp"

#include "policy_spec/operators.hpp"
#include "policy_spec/values.hpp"

#include <algorithm>

namespace deputy::policy_spec {
namespace {

using json::Value;

const Answer yes{true}, no{false}, nobody_can_say{true, false};

Answer answer(bool value) {
  return {value};
}
// Whatever either may be.
template <class Combine>
Answer combined(const Answer& a, const Answer& b, Combine combine) {
  Answer out;
  for (const bool x : a)
    for (const bool y : b) out.insert(combine(x, y));
  return out;
}
Answer both(const Answer& a, const Answer& b) {
  return combined(a, b, [](bool x, bool y) { return x && y; });
}
Answer either(const Answer& a, const Answer& b) {
  return combined(a, b, [](bool x, bool y) { return x || y; });
}
Answer opposite(const Answer& a) {
  return combined(a, a, [](bool x, bool) { return !x; });
}

// One value, or a list of them.
std::vector<const Value*> listed(const Value& value) {
  if (!value.is(json::Kind::array)) return {&value};
  std::vector<const Value*> out;
  for (const Value& element : value.elements) out.push_back(&element);
  return out;
}

std::string spelled(const Value& value) {
  if (value.is(json::Kind::boolean)) return value.boolean ? "true" : "false";
  return value.text;
}

struct Context {
  const Value& request;
  bool knows_variables;  // by the policy's version
};

// How two things of one type stand to each other, by the end of the operator's name.
bool in_order(std::string_view name, int order) {
  if (name.ends_with("LessThan")) return order < 0;
  if (name.ends_with("LessThanEquals")) return order <= 0;
  if (name.ends_with("GreaterThan")) return order > 0;
  if (name.ends_with("GreaterThanEquals")) return order >= 0;
  return order == 0;
}

// A value of the policy against one of the request, by an operator that is not negated. A request's value of
// another type leaves it open; a policy's, which only a variable can bring, equals nothing.
Answer compared(const std::string& name, const Value& wanted_value, const std::string& given,
                const Context& context) {
  const auto pattern = filled_in(spelled(wanted_value), context.knows_variables, context.request);
  const std::string wanted = pattern ? text_of(*pattern) : "";
  if (name == "StringEquals") return answer(pattern && wanted == given);
  if (name == "StringEqualsIgnoreCase") return answer(pattern && lower(wanted) == lower(given));
  if (name == "StringLike") return answer(pattern && stands_for(*pattern, characters_of(given)));
  if (name == "ArnEquals" || name == "ArnLike") {
    if (!is_arn(given)) return nobody_can_say;
    return answer(pattern && stands_for_arn(*pattern, given));
  }
  if (name == "BinaryEquals") {
    if (!is_base64(given)) return nobody_can_say;
    return answer(pattern && wanted == given);
  }
  if (name == "Bool") {
    if (given != "true" && given != "false") return nobody_can_say;
    return answer(pattern && wanted == given);
  }
  if (name == "IpAddress") {
    const auto address = address_of(given);
    if (!address) return nobody_can_say;
    const auto block = pattern ? block_of(wanted) : std::nullopt;
    return answer(block && block->width == address->width && address->bits.starts_with(block->bits));
  }
  if (name.starts_with("Numeric")) {
    const auto given_number = number_of(given);
    if (!given_number) return nobody_can_say;
    const auto number = pattern ? number_of(wanted) : std::nullopt;
    return answer(number && in_order(name, compare(*given_number, *number)));
  }
  const auto given_moment = moment_of(given);
  if (!given_moment) return nobody_can_say;
  const auto moment = pattern ? moment_of(wanted) : std::nullopt;
  const int order = !moment ? 0 : *given_moment < *moment ? -1 : *given_moment > *moment ? 1 : 0;
  return answer(moment && in_order(name, order));
}

// "Exists and its value is not null"; a null dataset, such as an empty string, is neither here nor there.
Answer null_check(const Value& wanted, const std::optional<Texts>& given) {
  Answer out = no;
  const bool absent = !given || given->empty();
  const bool null_dataset = !absent && std::all_of(given->begin(), given->end(),
                                                   [](const std::string& text) { return text.empty(); });
  bool wants_absence = false, wants_presence = false;
  for (const Value* value : listed(wanted))
    (spelled(*value) == "true" ? wants_absence : wants_presence) = true;
  if (wants_absence) out = either(out, null_dataset ? nobody_can_say : answer(absent));
  if (wants_presence) out = either(out, null_dataset ? nobody_can_say : answer(!absent));
  return wants_absence && wants_presence ? yes : out;
}

// All of a key's values in the request against all of the policy's.
Answer key_holds(const Operator& op, const Value& wanted, const std::string& key, const Context& context) {
  const auto given = context_values(context.request, key);
  if (op.base == "Null") return null_check(wanted, given);
  const bool absent = !given || given->empty();
  const bool nothing = absent || std::all_of(given->begin(), given->end(),
                                             [](const std::string& text) { return text.empty(); });
  if (op.qualifier == "ForAllValues" && nothing) return yes;
  if (op.qualifier == "ForAnyValue" && nothing) return no;
  if (absent) return answer(op.negated || op.if_exists);
  Answer all = yes, any = no, in_turn;
  for (const std::string& value : *given) {
    Answer one = no;
    for (const Value* candidate : listed(wanted))
      one = either(one, compared(op.base, *candidate, value, context));
    if (op.negated) one = opposite(one);
    all = both(all, one);
    any = either(any, one);
    in_turn.insert(one.begin(), one.end());
  }
  if (op.qualifier == "ForAllValues") return all;
  if (op.qualifier == "ForAnyValue") return any;
  return in_turn;
}

Answer conditions_hold(const Value& statement, const Context& context) {
  Answer out = yes;
  const Value* condition = statement.find("Condition");
  if (condition == nullptr) return out;
  for (const json::Member& block : condition->members)
    for (const json::Member& key : block.value.members)
      out = both(out, key_holds(*operator_named(block.name), key.value, key.name, context));
  return out;
}

bool action_matches(const Value& statement, const Value& request) {
  const auto covers = [&](const Value& patterns) {
    const auto asked = characters_of(lower(member_text(request, "action")));
    for (const Value* pattern : listed(patterns))
      if (stands_for(*filled_in(lower(pattern->text), false, request), asked)) return true;
    return false;
  };
  if (const Value* listed_actions = statement.find("Action")) return covers(*listed_actions);
  return !covers(*statement.find("NotAction"));
}

bool resource_matches(const Value& statement, const Context& context) {
  const std::string asked = member_text(context.request, "resource");
  const auto covers = [&](const Value& patterns) {
    for (const Value* pattern : listed(patterns)) {
      if (pattern->text == "*") return true;
      const auto filled = filled_in(pattern->text, context.knows_variables, context.request);
      if (filled && stands_for_arn(*filled, asked)) return true;
    }
    return false;
  };
  if (const Value* listed_resources = statement.find("Resource")) return covers(*listed_resources);
  return !covers(*statement.find("NotResource"));
}

// A name that a policy can call somebody by.
using Name = std::pair<std::string, std::string>;
using Names = std::set<Name>;

Names names_in(const Value& principals) {
  if (principals.is(json::Kind::string)) return {{"everyone", ""}};
  Names out;
  for (const json::Member& type : principals.members) {
    for (const Value* value : listed(type.value)) {
      const std::string& text = value->text;
      if (type.name != "AWS") {
        out.insert({type.name, text});
      } else if (text == "*") {
        out.insert({"everyone", ""});
      } else if (text.ends_with(":root")) {
        out.insert({"root", text});
      } else {
        out.insert({text.size() == 12 ? "account" : "AWS", text});
      }
    }
  }
  return out;
}

// A caller as a row of names, from the widest to its own; each may have several spellings.
std::vector<Names> chain_of(const Value& caller) {
  const auto text = [&](std::string_view name) { return member_text(caller, name); };
  if (!text("service").empty()) return {{{"Service", text("service")}}};
  if (!text("federated").empty()) return {{{"Federated", text("federated")}}};
  if (text("arn").empty()) return {};
  const std::string id = text("unique_id").substr(0, text("unique_id").find(':'));
  const std::string arn = text("arn");
  const std::string partition = arn.substr(4, arn.find(':', 4) - 4);
  Names account{{"account", text("account")},
                {"root", "arn:" + partition + ":iam::" + text("account") + ":root"},
                {"CanonicalUser", text("canonical_user")}};
  if (text("arn").ends_with(":root")) return {account};
  if (text("role_arn").empty()) return {account, {{"AWS", text("arn")}, {"AWS", id}}};
  return {account, {{"AWS", text("role_arn")}, {"AWS", id}}, {{"AWS", text("arn")}}};
}

bool meet(const Names& a, const Names& b) {
  return std::any_of(a.begin(), a.end(), [&](const Name& name) { return b.contains(name); });
}

Answer principal_matches(const Value& statement, const Value& caller, bool has_boundary) {
  const auto chain = chain_of(caller);
  if (const Value* listed_names = statement.find("Principal")) {
    const Names names = names_in(*listed_names);
    if (names.contains({"everyone", ""})) return yes;
    for (const Names& link : chain)
      if (meet(link, names)) return yes;
    // Nobody can say whose a canonical ID is, where the caller's is not known.
    const bool has_account = chain.size() > 1 || member_text(caller, "arn").ends_with(":root");
    const bool canonical = std::any_of(names.begin(), names.end(),
                                       [](const Name& name) { return name.first == "CanonicalUser"; });
    return has_account && canonical && member_text(caller, "canonical_user").empty() ? nobody_can_say : no;
  }
  if (has_boundary) return yes;
  const Names spared = names_in(*statement.find("NotPrincipal"));
  if (spared.contains({"everyone", ""})) return no;
  const auto met =
      std::count_if(chain.begin(), chain.end(), [&](const Names& link) { return meet(link, spared); });
  if (met == 0) return yes;
  return met == static_cast<std::ptrdiff_t>(chain.size()) ? no : nobody_can_say;
}

bool has_principals(Kind kind) {
  return kind == Kind::trust || kind == Kind::resource;
}

Answer statement_applies(const Value& statement, Kind kind, const Context& context, bool has_boundary) {
  if (!action_matches(statement, context.request)) return no;
  if (kind != Kind::trust && !resource_matches(statement, context)) return no;
  const Value nobody;
  const Value* caller = context.request.find("caller");
  Answer out = conditions_hold(statement, context);
  if (has_principals(kind)) {
    out = both(out, principal_matches(statement, caller == nullptr ? nobody : *caller, has_boundary));
  }
  return out;
}

Context context_of(const Value& policy, const Value& request) {
  return {request, member_text(policy, "Version") == "2012-10-17"};
}

}  // namespace

Outcome judge(const Value& policy, Kind kind, const Value& request, bool caller_has_boundary) {
  bool allowed = false, denied = false;
  for (const Value* statement : listed(*policy.find("Statement"))) {
    const Answer applies =
        statement_applies(*statement, kind, context_of(policy, request), caller_has_boundary);
    if (member_text(*statement, "Effect") == "Deny") {
      denied = denied || applies.contains(true);
    } else {
      allowed = allowed || applies == yes;
    }
  }
  if (denied) return Outcome::explicitly_denied;
  return allowed ? Outcome::allowed : Outcome::implicitly_denied;
}

namespace {

enum class Who { identity, root, service, federated, anonymous };

Who who(const Value& request) {
  const Value* caller = request.find("caller");
  if (caller == nullptr) return Who::anonymous;
  if (!member_text(*caller, "service").empty()) return Who::service;
  if (!member_text(*caller, "federated").empty()) return Who::federated;
  const std::string arn = member_text(*caller, "arn");
  if (arn.empty()) return Who::anonymous;
  return arn.ends_with(":root") ? Who::root : Who::identity;
}

// By which names the Allows of the resource's policy that apply call the caller.
struct Grants {
  bool account = false, everyone = false, by_role = false, directly = false;
};
Grants grants_of(const Situation& situation, const Value& request) {
  Grants out;
  if (situation.resource == nullptr) return out;
  const Value& policy = *situation.resource;
  const auto chain = chain_of(*request.find("caller"));
  for (const Value* statement : listed(*policy.find("Statement"))) {
    if (member_text(*statement, "Effect") != "Allow") continue;
    if (statement_applies(*statement, situation.resource_kind, context_of(policy, request), false) != yes)
      continue;
    const Names names = names_in(*statement->find("Principal"));
    out.everyone = out.everyone || names.contains({"everyone", ""});
    out.account = out.account || meet(chain.front(), names);
    if (chain.size() > 1) out.directly = out.directly || meet(chain.back(), names);
    if (chain.size() > 2) out.by_role = out.by_role || meet(chain[1], names);
  }
  return out;
}

// What the policies of the caller's own account say together.
struct Opinions {
  std::vector<Outcome> all;
  bool identity = false, bounds = true, resource = false;
};
Opinions opinions_of(const Situation& situation, const Value& request) {
  Opinions out;
  const auto ask = [&](const Value& policy, Kind kind) {
    out.all.push_back(judge(policy, kind, request, situation.boundary != nullptr));
    return out.all.back() == Outcome::allowed;
  };
  if (situation.resource != nullptr) out.resource = ask(*situation.resource, situation.resource_kind);
  if (who(request) != Who::identity && who(request) != Who::root) return out;
  for (const Value* policy : situation.identity) out.identity = ask(*policy, Kind::identity) || out.identity;
  if (situation.boundary != nullptr) out.bounds = ask(*situation.boundary, Kind::boundary);
  bool session = situation.session.empty();
  for (const Value* policy : situation.session) session = ask(*policy, Kind::session) || session;
  out.bounds = out.bounds && session;
  return out;
}

bool is_among(const std::string& action, const std::set<std::string>& actions) {
  return actions.contains(lower(action));
}

// Whether such a caller can make such a call at all.
bool can_ask(Who caller, const std::string& action) {
  const bool with_assertion = is_among(action, {"sts:assumerolewithsaml", "sts:assumerolewithwebidentity"});
  const bool beside = is_among(action, {"sts:tagsession", "sts:setsourceidentity"});
  const bool assumption = with_assertion || beside || is_among(action, {"sts:assumerole"});
  if (caller == Who::federated) return with_assertion || beside;
  if (caller == Who::anonymous || caller == Who::root) return !assumption;
  return !with_assertion;
}

bool is_allowed(const Situation& situation, const Value& request, const Opinions& opinions) {
  const std::string action = member_text(request, "action");
  const Who caller = who(request);
  if (!can_ask(caller, action)) return false;
  if (caller != Who::identity && caller != Who::root) return opinions.resource;
  const std::string account = member_text(*request.find("caller"), "account");
  const bool identity = opinions.identity || caller == Who::root;
  const bool same_account = !situation.resource_owner.empty() && situation.resource_owner == account;
  if (!same_account) return opinions.resource && identity && opinions.bounds;
  const Grants grants = grants_of(situation, request);
  if (grants.directly) return true;
  if (!opinions.bounds) return false;
  if (grants.by_role) return true;
  const bool assumption = is_among(action, {"sts:assumerole", "sts:tagsession", "sts:setsourceidentity"});
  if (assumption) return opinions.resource && identity;
  return identity || grants.everyone;
}

}  // namespace

Outcome decide(const Situation& situation, const Value& request) {
  const Opinions opinions = opinions_of(situation, request);
  if (std::count(opinions.all.begin(), opinions.all.end(), Outcome::explicitly_denied) > 0)
    return Outcome::explicitly_denied;
  return is_allowed(situation, request, opinions) ? Outcome::allowed : Outcome::implicitly_denied;
}

}  // namespace deputy::policy_spec
