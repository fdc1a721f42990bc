#include "verify/findings.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <map>
#include <utility>

namespace deputy::verify {
namespace {

using registry::CheckResult;

constexpr std::size_t findings_shown_max = 4;
constexpr std::size_t keys_shown_max = 8;
constexpr std::size_t grants_shown_max = 10;
constexpr std::size_t mended_statements_max = 50;

// The first few, and how many more there are.
template <class Items, class Show>
std::string some_of(const Items& items, std::size_t shown_max, std::string_view between, Show show) {
  std::string out;
  for (std::size_t i = 0; i < items.size() && i < shown_max; ++i) {
    if (i > 0) out += between;
    out += show(items[i]);
  }
  if (items.size() > shown_max) out += fmt::format("{}and {} more", between, items.size() - shown_max);
  return out;
}

std::string messages_of(const policy::TrustAnalysis& analysis, bool notes) {
  std::vector<std::string> messages;
  for (const policy::TrustFinding& finding : analysis.findings)
    if ((finding.weight == policy::FindingWeight::note) == notes) messages.push_back(finding.message);
  return some_of(messages, findings_shown_max, "; ", [](const std::string& text) { return text; });
}

// Keys that AWS fills from the caller say again who it is.
bool is_plain_from_the_caller(std::string_view key) {
  for (const std::string_view known : {"aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalType",
                                       "aws:PrincipalIsAWSService", "aws:ViaAWSService"})
    if (key == known) return true;
  return false;
}

// The counterexample as a sentence: who, with which external ID, under which other conditions.
std::string in_words(const policy::Request& witness) {
  const policy::Caller& caller = witness.caller;
  const std::string who = !caller.service.empty()    ? "the AWS service " + in_backticks(caller.service)
                          : !caller.role_arn.empty() ? "a session of " + in_backticks(caller.role_arn)
                          : !caller.arn.empty()      ? in_backticks(caller.arn)
                                                     : "account " + in_backticks(caller.account);
  const policy::ContextKey* const id = witness.find("sts:ExternalId");
  const std::string with = id == nullptr || id->values.empty()
                               ? std::string{"without any external ID"}
                               : "with the external ID " + in_backticks(id->values.front());
  std::vector<std::string> others;
  for (const policy::ContextKey& key : witness.context) {
    if (&key == id || key.values.empty() || is_plain_from_the_caller(key.name)) continue;
    others.push_back(fmt::format("{} {}", in_backticks(key.name), in_backticks(key.values.front())));
  }
  const std::string when =
      others.empty() ? std::string{}
                     : ", when the request has " + some_of(others, keys_shown_max, ", ",
                                                           [](const std::string& text) { return text; });
  const std::string action =
      witness.action == "sts:AssumeRole" ? std::string{} : " by " + in_backticks(witness.action);
  return fmt::format("AWS would let in {} {}{}{}", who, with, action, when);
}

CheckResult unless_proof_is_required(bool require_proof) {
  return require_proof ? CheckResult::failed : CheckResult::skipped;
}

std::string with_demand(bool require_proof, std::string_view message) {
  return require_proof ? "this integration takes only roles whose trust policy was read and proved safe; " +
                             std::string{message}
                       : std::string{message};
}

std::string shown(const Need& need) {
  return need.resource == "*" ? in_backticks(need.action)
                              : in_backticks(need.action) + " on " + in_backticks(need.resource);
}

std::string shown(const std::vector<Need>& needs) {
  return some_of(needs, grants_shown_max, ", ", [](const Need& need) { return shown(need); });
}

std::string shown(const std::vector<Excess>& excess) {
  return some_of(excess, grants_shown_max, ", ", [](const Excess& each) {
    return fmt::format("{} on {} (policy {})", in_backticks(each.action), in_backticks(each.resource),
                       in_backticks(each.policy));
  });
}

// The statements to add, one for each resource.
std::string statements_for(const std::vector<Need>& missing) {
  std::map<std::string, std::vector<std::string>> by_resource;
  for (const Need& need : missing) {
    auto& actions = by_resource[need.resource];
    if (std::ranges::find(actions, need.action) == actions.end()) actions.push_back(need.action);
    if (by_resource.size() > mended_statements_max) break;
  }
  boost::json::array statements;
  for (const auto& [resource, actions] : by_resource) {
    boost::json::array list;
    for (const std::string& action : actions) list.emplace_back(action);
    statements.push_back(
        boost::json::object{{"Effect", "Allow"}, {"Action", std::move(list)}, {"Resource", resource}});
  }
  return boost::json::serialize(
      boost::json::object{{"Version", "2012-10-17"}, {"Statement", std::move(statements)}});
}

std::string missing_message(const std::vector<Need>& missing) {
  return fmt::format(
      "the role is not allowed what the integration needs: {}. Add the permissions of the template to the "
      "role, and look for a Deny or a permissions boundary that takes them away, then verify again",
      shown(missing));
}

std::string excess_note(const PermissionsJudgement& judgement) {
  if (judgement.excess.empty()) return {};
  return fmt::format("; beyond that the role grants the partner what is not needed: {}{}",
                     shown(judgement.excess), judgement.narrowed ? ", within its permissions boundary" : "");
}

std::string unread_note(const std::vector<std::string>& unread) {
  if (unread.empty()) return {};
  return "; not read: " +
         some_of(unread, grants_shown_max, ", ", [](const std::string& text) { return text; });
}

std::string clipped_mend(const std::string& mend) {
  constexpr std::size_t bytes_max = 16'384;
  return mend.size() > bytes_max ? std::string{} : mend;
}

// What a customer who pastes the mend gives up with it.
std::string left_out(const policy::TrustAnalysis& analysis) {
  if (analysis.mend_removed.empty()) return {};
  return " (it leaves out " +
         some_of(analysis.mend_removed, grants_shown_max, "; ",
                 [](const std::string& text) { return text; }) +
         ")";
}

}  // namespace

Finding trust_policy_judged(const policy::TrustAnalysis& analysis) {
  const auto mend = [&]() -> std::optional<std::string> {
    std::string text = clipped_mend(analysis.mend);
    return text.empty() ? std::nullopt : std::optional{std::move(text)};
  };
  switch (analysis.verdict) {
    case policy::TrustVerdict::safe: {
      const std::string notes = messages_of(analysis, true);
      return {CheckResult::passed,
              "the trust policy was read and proved: exactly this connection's external ID is let in" +
                  (notes.empty() ? "" : ". Worth knowing: " + notes),
              std::nullopt};
    }
    case policy::TrustVerdict::unsafe:
      return {
          CheckResult::failed,
          fmt::format("the trust policy was read, and it is open although AWS denied every try: {}{}. Use "
                      "the corrected policy{}, then verify again",
                      messages_of(analysis, false),
                      analysis.witness ? ". For example, " + in_words(*analysis.witness) : "",
                      left_out(analysis)),
          mend()};
    case policy::TrustVerdict::denied:
      return {
          CheckResult::inconclusive,
          "the role let the partner in, but its trust policy, as it reads now, does not: a change has not "
          "yet reached every part of AWS; the check runs again by itself",
          std::nullopt};
    case policy::TrustVerdict::invalid:
      break;
  }
  return {
      CheckResult::failed,
      fmt::format("the trust policy was read, but it cannot be judged: {}. What cannot be judged counts as "
                  "open; use the corrected policy, then verify again",
                  messages_of(analysis, false)),
      mend()};
}

Finding trust_policy_not_read(const RoleArn& role, bool require_proof) {
  return {
      unless_proof_is_required(require_proof),
      with_demand(require_proof,
                  "the trust policy was not read, since the role does not let the partner read it: a "
                  "second statement for another session name, address or date would not show in the "
                  "tries. To have it proved, allow the role to read itself, as the template does with "
                  "AllowSelfRead, then verify again"),
      fmt::format(R"({{"Version":"2012-10-17","Statement":[{{"Sid":"DeputyReadsThisRole","Effect":"Allow",)"
                  R"("Action":["iam:GetRole","iam:GetRolePolicy","iam:ListRolePolicies",)"
                  R"("iam:ListAttachedRolePolicies"],"Resource":"{}"}}]}})",
                  role.text())};
}

Finding trust_policy_not_asked(bool require_proof) {
  return {unless_proof_is_required(require_proof),
          with_demand(require_proof,
                      "the trust policy was not read, since it is not known which role of the partner's it "
                      "is to name; name it, then verify again"),
          std::nullopt};
}

Finding trust_policy_of_another_role() {
  return {CheckResult::failed,
          "asked about this role, IAM described another one; give the ARN as the IAM console shows it, then "
          "verify again",
          std::nullopt};
}

Finding permissions_judged(const PermissionsJudgement& judgement, ExcessPolicy policy) {
  const NeedsJudgement& needs = judgement.needs;
  if (!needs.missing.empty()) {
    return {CheckResult::failed, missing_message(needs.missing) + excess_note(judgement),
            statements_for(needs.missing)};
  }
  std::vector<Excess> broad;
  std::ranges::copy_if(judgement.excess, std::back_inserter(broad), &Excess::too_broad);
  if (policy == ExcessPolicy::fail && !broad.empty() && !judgement.narrowed) {
    return {
        CheckResult::failed,
        fmt::format("the role gives the partner far more than the integration needs: {}. Take it away from "
                    "the role, or bound it with a permissions boundary, then verify again",
                    shown(broad)),
        std::nullopt};
  }
  const std::string notes = excess_note(judgement) + unread_note(judgement.unread);
  if (needs.undecided.empty()) {
    return {CheckResult::passed,
            (judgement.tried ? "the role is allowed what the integration needs"
                             : "the role's policies grant what the integration needs") +
                (notes.empty() && !judgement.tried ? std::string{", and nothing beyond it"} : notes),
            std::nullopt};
  }
  return {
      CheckResult::skipped,
      fmt::format("whether the role is allowed all that the integration needs could not be decided: {}{}{}",
                  shown(needs.undecided),
                  judgement.unread.empty() ? " hangs on conditions or on the resources that there are" : "",
                  notes),
      std::nullopt};
}

Finding permissions_not_asked() {
  return {CheckResult::skipped, "not compared: nothing says what the role is to allow", std::nullopt};
}

Finding unclear_finding(std::string because) {
  return {CheckResult::inconclusive, std::move(because), std::nullopt};
}

Finding without_details(const Finding& finding) {
  const bool passed = finding.result == CheckResult::passed;
  return {finding.result, passed ? "checked" : "not shown", std::nullopt};
}

}  // namespace deputy::verify
