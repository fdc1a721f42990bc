#include "policy/trust_mend.hpp"

#include <algorithm>
#include <array>

#include "policy/pattern.hpp"
#include "policy/policy_view.hpp"
#include "policy/trust_callers.hpp"
#include "policy/trust_judgement.hpp"
#include "policy/trust_text.hpp"

namespace deputy::policy {
namespace {

constexpr std::string_view assume_role = "sts:AssumeRole";
constexpr std::uint64_t work_each = 1'000'000;  // for analyzing one draft

bool is_about_id(const Condition& condition) {
  return equal_ignoring_case(condition.key, "sts:ExternalId");
}

StatementPrincipal partner_of(const TrustQuestion& question) {
  return {PrincipalType::aws_arn, question.partner_principal.text()};
}

// sts:TagSession stands beside: base credentials that carry session tags need it.
const std::vector<std::string>& plain_actions() {
  static const std::vector<std::string> actions{"sts:AssumeRole", "sts:TagSession"};
  return actions;
}

Statement plain_statement(const TrustQuestion& question, std::vector<std::string> ids) {
  Statement out;
  out.effect = Effect::allow;
  out.principals = {partner_of(question)};
  out.actions = plain_actions();
  out.conditions = {make_condition("sts:ExternalId", Matching::equals, false, std::move(ids))};
  return out;
}

std::vector<std::string> issued_of(const TrustQuestion& question) {
  std::vector<std::string> out;
  for (const ExternalId& id : question.issued) out.push_back(id.text());
  return out;
}

class Draft {
 public:
  Draft(const Policy& policy, const TrustQuestion& question, const TrustAnalysis& analysis)
      : policy_(policy), question_(question), analysis_(analysis), ids_(issued_of(question)) {
    for (const ExternalId& id : question.tolerated) {
      if (lists(id.text())) ids_.push_back(id.text());
    }
  }

  std::string write(bool keep_denies_of_id) {
    std::vector<Statement> statements;
    bool partner_in = false;
    std::size_t number = 0;
    for (const Statement& statement : policy_.statements()) {
      ++number;
      if (statement.effect == Effect::deny) {
        const bool about_id =
            std::any_of(statement.conditions.begin(), statement.conditions.end(), is_about_id);
        if (keep_denies_of_id || !(about_id || statement.conditions.empty())) statements.push_back(statement);
      } else {
        partner_in = mend_allow(statement, number, statements) || partner_in;
      }
    }
    if (!partner_in) statements.push_back(plain_statement(question_, ids_));
    return to_indented_json(policy_.version(), policy_.id(), statements);
  }

 private:
  bool lists(const std::string& id) const {
    return std::any_of(
        policy_.statements().begin(), policy_.statements().end(), [&](const Statement& statement) {
          return std::any_of(
              statement.conditions.begin(), statement.conditions.end(), [&](const Condition& condition) {
                return is_about_id(condition) && std::find(condition.values.begin(), condition.values.end(),
                                                           id) != condition.values.end();
              });
        });
  }

  static bool lets_in(const Statement& statement) {
    return covers(statement, assume_role) || covers(statement, "sts:AssumeRoleWithSAML") ||
           covers(statement, "sts:AssumeRoleWithWebIdentity");
  }

  bool is_partner(std::string_view account) const {
    return account == question_.partner_principal.account().text() ||
           std::any_of(question_.partner_accounts.begin(), question_.partner_accounts.end(),
                       [&](const AccountId& one) { return one.text() == account; });
  }

  // The account of an identity in the partner's partition; empty for others.
  std::string_view account_of(const StatementPrincipal& principal) const {
    if (principal.type == PrincipalType::aws_account) return principal.value;
    if (principal.type != PrincipalType::aws_arn) return {};
    std::string_view rest = principal.value;
    rest.remove_prefix(rest.find(':') + 1);
    if (rest.substr(0, rest.find(':')) != to_text(question_.partner_principal.partition())) return {};
    for (int i = 0; i < 3; ++i) rest.remove_prefix(rest.find(':') + 1);
    return rest.substr(0, rest.find(':'));
  }

  bool is_open_path(std::size_t number) const {
    return std::any_of(analysis_.findings.begin(), analysis_.findings.end(),
                       [&](const TrustFinding& finding) {
                         return finding.weight == FindingWeight::unsafe && finding.statement == number;
                       });
  }

  bool may_stay(const StatementPrincipal& principal, std::size_t number) const {
    if (principal.type == PrincipalType::service) return true;
    if (principal.type == PrincipalType::federated) return !is_open_path(number);
    const std::string_view account = account_of(principal);
    return question_.role_account && account == question_.role_account->text();
  }

  // Those of the partner's, asked for the ID; in a statement apart whoever else may stay, as they were.
  // Whether the partner comes in now.
  bool mend_allow(const Statement& statement, std::size_t number, std::vector<Statement>& out) const {
    if (!lets_in(statement)) {
      out.push_back(statement);
      return false;
    }
    Statement partner = statement, others = statement;
    partner.principals.clear();
    others.principals.clear();
    for (const StatementPrincipal& principal : statement.principals) {
      if (principal.type == PrincipalType::everyone) {
        partner.principals.push_back(partner_of(question_));
      } else if (is_partner(account_of(principal))) {
        partner.principals.push_back(principal);
      } else if (may_stay(principal, number)) {
        others.principals.push_back(principal);
      }
    }
    if (!partner.principals.empty() && covers(statement, assume_role)) {
      ask_for_id(partner);
      out.push_back(partner);
      others.sid.clear();  // Sids are unique
    } else {
      partner.principals.clear();
    }
    if (!others.principals.empty()) out.push_back(others);
    return std::any_of(
        partner.principals.begin(), partner.principals.end(), [&](const StatementPrincipal& one) {
          return one == partner_of(question_) || (one.type == PrincipalType::aws_account &&
                                                  one.value == question_.partner_principal.account().text());
        });
  }

  void ask_for_id(Statement& statement) const {
    if (statement.not_action) {
      statement.not_action = false;
      statement.actions = plain_actions();
    }
    std::erase_if(statement.conditions, is_about_id);
    statement.conditions.insert(statement.conditions.begin(),
                                make_condition("sts:ExternalId", Matching::equals, false, ids_));
  }

  const Policy& policy_;
  const TrustQuestion& question_;
  const TrustAnalysis& analysis_;
  std::vector<std::string> ids_;
};

bool is_safe(const std::string& text, const TrustQuestion& question) {
  const auto policy = Policy::read(text, PolicyKind::trust);
  if (!policy) return false;
  WorkBudget work{work_each};
  return judge(policy.value(), question, work).verdict == TrustVerdict::safe;
}

}  // namespace

std::string mend(const Policy& trust_policy, const TrustQuestion& question, const TrustAnalysis& analysis) {
  Draft draft{trust_policy, question, analysis};
  for (const bool keep_denies_of_id : {true, false}) {
    std::string text = draft.write(keep_denies_of_id);
    if (is_safe(text, question)) return text;
  }
  return plain_policy(question);
}

std::string plain_policy(const TrustQuestion& question) {
  return to_indented_json(Version::v2012_10_17, {}, {plain_statement(question, issued_of(question))});
}

}  // namespace deputy::policy
