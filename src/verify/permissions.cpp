#include "verify/permissions.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/ascii.hpp"
#include "policy/breadth.hpp"
#include "policy/decision.hpp"
#include "registry/session_name.hpp"
#include "verify/pattern_cover.hpp"
#include "verify/settled_policy.hpp"

namespace deputy::verify {
namespace {

using policy::ConditionOperator;
using policy::OperatorFamily;

constexpr std::size_t needs_max = 2'000;  // beyond: undecided
// What a wildcard stands for: nothing that somebody would write into a policy.
constexpr std::string_view any_run = "deputy-stands-for-anything";
constexpr char any_one = 'q';

std::string concrete(std::string_view pattern) {
  std::string out;
  for (const char c : pattern) {
    if (c == '*') {
      out += any_run;
    } else {
      out += c == '?' ? any_one : c;
    }
  }
  return out;
}

// An ARN of the action's service in the role's account; some services' ARNs carry neither Region nor account.
std::string any_resource_of(std::string_view action, const RoleArn& role) {
  const std::string service = to_lower(action.substr(0, action.find(':')));
  const bool global = service == "s3" || service == "iam";
  return fmt::format("arn:{}:{}:{}:{}:{}", to_text(role.partition()), service, global ? "" : any_run,
                     service == "s3" ? "" : role.account().text(), any_run);
}

std::string concrete_resource(const Need& need, const RoleArn& role) {
  if (need.resource == "*") return any_resource_of(need.action, role);
  std::array<std::string_view, 5> segments;
  std::string_view rest = need.resource;
  for (std::string_view& segment : segments) {
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos) return concrete(need.resource);
    segment = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
  }
  return fmt::format("{}:{}:{}:{}:{}:{}", concrete(segments[0]), concrete(segments[1]), concrete(segments[2]),
                     concrete(segments[3]),
                     segments[4] == "*" ? role.account().text() : concrete(segments[4]), concrete(rest));
}

// What every call of the session carries, whenever and from wherever it comes.
policy::Request request_of(const RoleSession& session) {
  const RoleArn& role = session.role;
  policy::Request request{
      .caller = {.account = role.account().text(),
                 .arn = registry::assumed_role_arn(role, session.session_name),
                 .role_arn = role.text(),
                 .unique_id = {},
                 .service = {}},
      .action = {},
      .resource = {},
      .context = {{"aws:CurrentTime", {to_rfc3339(session.now)}},
                  {"aws:EpochTime",
                   {fmt::to_string(
                       std::chrono::floor<std::chrono::seconds>(session.now.time_since_epoch()).count())}},
                  {"aws:SecureTransport", {"true"}},
                  {"aws:ResourceAccount", {role.account().text()}},
                  {"aws:PrincipalArn", {role.text()}},
                  {"aws:PrincipalAccount", {role.account().text()}},
                  {"aws:PrincipalType", {"AssumedRole"}},
                  {"aws:PrincipalIsAWSService", {"false"}},
                  {"aws:ViaAWSService", {"false"}}}};
  return request;
}

// A value that meets the condition, where that is plain to see.
std::optional<std::string> value_for(const policy::Condition& condition) {
  const ConditionOperator& op = condition.condition_operator;
  if (op.negated || condition.values.front().find("${") != std::string::npos) return std::nullopt;
  switch (op.family) {
    case OperatorFamily::string_equals:
    case OperatorFamily::string_equals_ignore_case:
    case OperatorFamily::boolean:
    case OperatorFamily::numeric_equals:
      return condition.values.front();
    case OperatorFamily::string_like:
    case OperatorFamily::arn_equals:
    case OperatorFamily::arn_like:
      return concrete(condition.values.front());
    default:
      return std::nullopt;
  }
}

// Adds what the integration's own statement asks of a request. False when it is not plain to see how.
bool meet_conditions(const policy::Statement& statement, policy::Request& request) {
  for (const policy::Condition& condition : statement.conditions) {
    if (request.find(condition.key) != nullptr) continue;  // the engine will say whether it holds
    auto value = value_for(condition);
    if (!value) return false;
    request.context.push_back({condition.key, {*std::move(value)}});
  }
  return true;
}

// The role's policies in one reading, for requests that carry these keys.
class SettledRole {
 public:
  SettledRole(const RolePolicies& policies, const Settling& settling) {
    for (const RolePolicy& each : policies.identity)
      identity_.push_back(settled(each.document, policy::PolicyKind::identity, settling));
    if (policies.boundary)
      boundary_ = settled(policies.boundary->document, policy::PolicyKind::permissions_boundary, settling);
  }

  policy::Decision decide(const policy::Request& request) const {
    policy::PolicySet set;
    for (const policy::Policy& each : identity_) set.identity.push_back(&each);
    if (boundary_) set.permissions_boundary = &*boundary_;
    set.resource_account = request.caller.account;
    return policy::authorize(set, request);
  }

 private:
  std::vector<policy::Policy> identity_;
  std::optional<policy::Policy> boundary_;
};

// What the role says to the needs of one statement of the integration's.
class StatementJudge {
 public:
  StatementJudge(const RolePolicies& policies, const RoleSession& session, policy::Request request)
      : policies_(policies),
        session_(session),
        request_(std::move(request)),
        strict_(policies, settling(Attitude::strict, false)),
        generous_(policies, settling(Attitude::generous, false)),
        elsewhere_(policies, settling(Attitude::generous, true)) {}

  // `own`: the integration's whole policy, to see whether the representative is one of its requests at all.
  void judge(const Need& need, const policy::Policy& own, NeedsJudgement& out) {
    request_.action = concrete(need.action);
    request_.resource = concrete_resource(need, session_.role);
    const policy::Decision wanted = policy::evaluate(own, request_);
    if (wanted.verdict == policy::Verdict::explicitly_denied) return;  // the integration does without
    list_for(need, wanted.allowed(), out).push_back(need);
  }

 private:
  std::vector<Need>& list_for(const Need& need, bool is_representative, NeedsJudgement& out) const {
    if (!is_representative) return out.undecided;
    if (strict_.decide(request_).allowed() && policies_.complete()) return out.granted;
    return is_missing(need) ? out.missing : out.undecided;
  }
  bool is_missing(const Need& need) const {
    const policy::Decision kindly = generous_.decide(request_);
    if (kindly.verdict == policy::Verdict::explicitly_denied) return true;
    if (kindly.allowed() || !policies_.complete()) return false;
    // On `*` the integration does not say which resources there are: fewer may be all.
    return need.resource != "*" || !elsewhere_.decide(request_).allowed();
  }

  Settling settling(Attitude attitude, bool any_resource) const {
    Settling out{.attitude = attitude, .known_keys = {}, .any_resource = any_resource};
    for (const policy::ContextKey& key : request_.context) out.known_keys.insert(to_lower(key.name));
    return out;
  }

  const RolePolicies& policies_;
  const RoleSession& session_;
  policy::Request request_;
  SettledRole strict_, generous_, elsewhere_;
};

bool has_variable(const Need& need) {
  return need.resource.find("${") != std::string::npos;
}

// The patterns of a statement, or all that a negated list leaves.
std::vector<std::string> patterns(bool negated, const std::vector<std::string>& written) {
  if (!negated) return written;
  return {fmt::format("everything but {}", fmt::join(written, ", "))};
}

std::vector<Need> pairs_of(const policy::Statement& statement) {
  std::vector<Need> pairs;
  for (const std::string& action : patterns(statement.not_action, statement.actions))
    for (const std::string& resource : patterns(statement.not_resource, statement.resources))
      pairs.push_back({action, resource, !statement.conditions.empty()});
  return pairs;
}

// What the template's self-read policy grants, and reading the managed policies that are attached.
bool reads_the_role_itself(const Need& pair, const RoleArn& role) {
  constexpr std::array<std::string_view, 4> on_role{"iam:getrole", "iam:getrolepolicy",
                                                    "iam:listrolepolicies", "iam:listattachedrolepolicies"};
  constexpr std::array<std::string_view, 2> on_policy{"iam:getpolicy", "iam:getpolicyversion"};
  const std::string known = to_lower(pair.action);
  if (std::ranges::find(on_role, known) != on_role.end()) return pair.resource == role.text();
  return std::ranges::find(on_policy, known) != on_policy.end() &&
         pair.resource.find(":policy/") != std::string::npos;
}

// Is a pattern of a statement of the role's covered by one of the integration's, under conditions that are
// the same at least?
bool is_needed(const policy::Statement& granted, const Need& pair, const policy::Policy& wanted) {
  return std::ranges::any_of(wanted.statements(), [&](const policy::Statement& statement) {
    if (statement.effect != policy::Effect::allow || statement.not_action || statement.not_resource)
      return false;
    const bool as_strict = std::ranges::all_of(statement.conditions, [&](const policy::Condition& condition) {
      return std::ranges::find(granted.conditions, condition) != granted.conditions.end();
    });
    const auto covers_one = [](const std::vector<std::string>& patterns, const auto& covers) {
      return std::ranges::any_of(patterns, covers);
    };
    return as_strict &&
           covers_one(statement.actions,
                      [&](const std::string& w) { return covers_action(w, pair.action); }) &&
           covers_one(statement.resources,
                      [&](const std::string& w) { return covers_resource(w, pair.resource); });
  });
}

}  // namespace

NeedsJudgement judge_needs(const std::string& integration_policy, const RolePolicies& policies,
                           const RoleSession& session) {
  NeedsJudgement out;
  const auto own = policy::Policy::read(in_partition(integration_policy, session.role.partition()),
                                        policy::PolicyKind::identity);
  if (!own) {
    out.undecided.push_back({"what the integration's policy asks for", "*", true});
    return out;
  }
  for (const policy::Statement& statement : own.value().statements()) {
    if (statement.effect != policy::Effect::allow) continue;
    std::vector<Need> needs = pairs_of(statement);
    policy::Request request = request_of(session);
    const bool plain =
        !statement.not_action && !statement.not_resource && meet_conditions(statement, request);
    std::optional<StatementJudge> judge;
    if (plain) judge.emplace(policies, session, std::move(request));
    for (Need& need : needs) {
      const std::size_t judged = out.granted.size() + out.missing.size() + out.undecided.size();
      if (judge && !has_variable(need) && judged < needs_max) {
        judge->judge(need, own.value(), out);
      } else if (judged <= needs_max) {
        out.undecided.push_back(std::move(need));
      }
    }
  }
  return out;
}

std::vector<Excess> excess_of(const RolePolicies& policies, const std::string& integration_policy,
                              const RoleArn& role) {
  const auto wanted =
      policy::Policy::read(in_partition(integration_policy, role.partition()), policy::PolicyKind::identity);
  std::vector<Excess> out;
  for (const RolePolicy& each : policies.identity) {
    const auto broad = policy::too_broad(each.policy);
    std::size_t number = 0;
    for (const policy::Statement& statement : each.policy.statements()) {
      ++number;
      if (statement.effect != policy::Effect::allow) continue;
      const bool negated = statement.not_action || statement.not_resource;
      const bool too_broad = std::ranges::find(broad, number, &policy::Breadth::statement) != broad.end();
      for (Need& pair : pairs_of(statement)) {
        if (!negated &&
            (reads_the_role_itself(pair, role) || (wanted && is_needed(statement, pair, wanted.value()))))
          continue;
        out.push_back({each.name, std::move(pair.action), std::move(pair.resource), too_broad});
      }
    }
  }
  return out;
}

bool is_narrowed(const RolePolicies& policies) {
  return policies.boundary && policy::too_broad(policies.boundary->policy).empty();
}

}  // namespace deputy::verify
