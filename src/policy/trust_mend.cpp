#include "policy/trust_mend.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "policy/pattern.hpp"
#include "policy/policy_view.hpp"
#include "policy/principal_reader.hpp"
#include "policy/trust_callers.hpp"
#include "policy/trust_judgement.hpp"
#include "policy/trust_text.hpp"

namespace deputy::policy {
namespace {

constexpr std::string_view assume_role = "sts:AssumeRole";
constexpr std::uint64_t work_of_one = 1'000'000;  // for analyzing one draft
constexpr std::uint64_t work_of_all = 2'000'000;
constexpr std::size_t search_bytes_max =
    16 * 1024;  // of drafts that are written to find out which Deny it is

// There is no such key as the second: it is often written for the first.
bool is_about_id(const Condition& condition) {
  return equal_ignoring_case(condition.key, "sts:ExternalId") ||
         equal_ignoring_case(condition.key, "aws:ExternalId");
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

std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t told_max = 4;
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < told_max; ++i) out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > told_max) out += fmt::format(" and {} more", names.size() - told_max);
  return out;
}

// How far a draft goes from the policy.
enum class Allows {
  edited,    // the partner's statements are asked for the ID, their other conditions stay
  replaced,  // the partner's become the plain one
};

class Draft {
 public:
  Draft(const Policy& policy, const TrustQuestion& question, const TrustAnalysis& analysis, Allows allows)
      : policy_(policy),
        question_(question),
        analysis_(analysis),
        allows_(allows),
        ids_(issued_of(question)) {
    for (const ExternalId& id : question.tolerated) {
      if (lists(id.text())) ids_.push_back(id.text());
    }
    std::size_t number = 0;
    for (const Statement& statement : policy_.statements()) {
      ++number;
      if (statement.effect == Effect::allow) mend_allow(statement, number);
    }
    if (!partner_in_) mended_.push_back(plain_statement(question_, ids_));
  }

  // `spares(deny)`: whether this Deny is to let the partner principal pass.
  template <class Spares>
  Mend write(Spares spares) const {
    Mend out{{}, removed_};
    std::vector<Statement> statements = mended_;
    std::size_t number = 0;
    for (const Statement& statement : policy_.statements()) {
      ++number;
      if (statement.effect != Effect::deny) continue;
      if (!spares(statement)) {
        statements.push_back(statement);
      } else if (auto narrowed = spare_partner(statement)) {
        statements.push_back(*std::move(narrowed));
      } else {
        out.removed.push_back(statement_title(number, statement.sid) + ", a Deny for the partner alone");
      }
    }
    out.text = to_indented_json(version(), policy_.id(), statements);
    return out;
  }

  // A Deny that the partner principal could run into.
  bool binds_partner(const Statement& deny) const {
    if (!covers(deny, assume_role)) return false;
    return std::any_of(
        deny.principals.begin(), deny.principals.end(), [&](const StatementPrincipal& principal) {
          return principal.type == PrincipalType::everyone || is_partner_principal(principal) ||
                 (principal.type == PrincipalType::aws_account && is_partner(account_of(principal)));
        });
  }

 private:
  // Nothing in it means another thing in the newer version, unless it has policy variables.
  Version version() const {
    const auto has_variable = [](const Condition& condition) {
      return std::any_of(condition.values.begin(), condition.values.end(),
                         [](const std::string& value) { return value.find("${") != std::string::npos; });
    };
    const bool variables = std::any_of(
        policy_.statements().begin(), policy_.statements().end(), [&](const Statement& statement) {
          return std::any_of(statement.conditions.begin(), statement.conditions.end(), has_variable);
        });
    return variables ? policy_.version() : Version::v2012_10_17;
  }

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

  // The role itself, or a session of it.
  bool is_partner_principal(const StatementPrincipal& principal) const {
    if (principal.type != PrincipalType::aws_arn) return false;
    const RoleArn& role = question_.partner_principal;
    const std::string sessions = fmt::format("arn:{}:sts::{}:assumed-role/{}/", to_text(role.partition()),
                                             role.account().text(), role.name());
    return principal.value == role.text() || principal.value.starts_with(sessions);
  }

  // The account of an identity in the partner's partition; empty for others.
  std::string_view account_of(const StatementPrincipal& principal) const {
    const std::string_view own = to_text(question_.partner_principal.partition());
    if (principal.type == PrincipalType::aws_account) {
      const bool elsewhere = !principal.partition.empty() && principal.partition != own;
      return elsewhere ? std::string_view{} : std::string_view{principal.value};
    }
    if (principal.type != PrincipalType::aws_arn) return {};
    std::string_view rest = principal.value;
    rest.remove_prefix(rest.find(':') + 1);
    if (rest.substr(0, rest.find(':')) != own) return {};
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
    // Everyone, but narrowed by conditions to whom it may be.
    if (principal.type == PrincipalType::everyone) return !is_open_path(number);
    if (principal.type == PrincipalType::federated) return !is_open_path(number);
    const std::string_view account = account_of(principal);
    return question_.role_account && account == question_.role_account->text();
  }

  // Those of the partner's, asked for the ID; in a statement apart whoever else may stay, as they were.
  void mend_allow(const Statement& statement, std::size_t number) {
    if (!lets_in(statement)) return mended_.push_back(statement);
    Statement partner = statement, others = statement;
    partner.principals.clear();
    others.principals.clear();
    std::vector<std::string> gone;
    for (const StatementPrincipal& principal : statement.principals) {
      if (is_partner(account_of(principal))) {
        partner.principals.push_back(principal);
      } else if (may_stay(principal, number)) {
        others.principals.push_back(principal);
      } else if (principal.type == PrincipalType::everyone) {
        partner.principals.push_back(partner_of(question_));
      } else {
        gone.push_back(in_backticks(written(principal)));
      }
    }
    if (!gone.empty()) removed_.push_back(statement_title(number, statement.sid) + " for " + some_of(gone));
    if (!partner.principals.empty() && covers(statement, assume_role)) {
      add_partner(std::move(partner));
      others.sid.clear();  // Sids are unique
    }
    if (!others.principals.empty()) mended_.push_back(std::move(others));
  }

  void add_partner(Statement statement) {
    const bool principal_in =
        std::any_of(statement.principals.begin(), statement.principals.end(), [&](const auto& one) {
          return one == partner_of(question_) ||
                 (one.type == PrincipalType::aws_account &&
                  account_of(one) == question_.partner_principal.account().text());
        });
    if (allows_ == Allows::replaced) {
      if (std::exchange(partner_in_, true)) return;
      Statement plain = plain_statement(question_, ids_);
      plain.sid = statement.sid;
      return mended_.push_back(std::move(plain));
    }
    partner_in_ = partner_in_ || principal_in;
    ask_for_id(statement);
    mended_.push_back(std::move(statement));
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

  // The same Deny for everybody but the partner principal; nothing is left where it names nobody else.
  std::optional<Statement> spare_partner(Statement deny) const {
    constexpr std::string_view key = "aws:PrincipalArn";
    std::erase_if(deny.principals, [&](const auto& one) { return is_partner_principal(one); });
    if (deny.principals.empty()) return std::nullopt;
    if (!binds_partner(deny)) return deny;
    const ConditionOperator other_arn{.family = OperatorFamily::arn_equals, .negated = true};
    const std::string& partner = question_.partner_principal.text();
    for (Condition& condition : deny.conditions) {
      if (condition.condition_operator != other_arn || !equal_ignoring_case(condition.key, key)) continue;
      condition.values.push_back(partner);
      return deny;
    }
    Condition spared;
    spared.condition_operator = other_arn;
    spared.key = key;
    spared.values = {partner};
    deny.conditions.push_back(std::move(spared));
    return deny;
  }

  const Policy& policy_;
  const TrustQuestion& question_;
  const TrustAnalysis& analysis_;
  Allows allows_;
  std::vector<std::string> ids_;
  std::vector<Statement> mended_;  // the Allows
  std::vector<std::string> removed_;
  bool partner_in_ = false;
};

// Judges drafts, within the work that all of them may cost.
class Judge {
 public:
  explicit Judge(const TrustQuestion& question) : question_(question) {}

  bool is(TrustVerdict verdict, const std::string& text) {
    const auto policy = Policy::read(text, PolicyKind::trust);
    if (!policy) return false;
    WorkBudget work{std::min(work_of_one, left_)};
    const std::uint64_t before = work.left();
    const bool so = judge(policy.value(), question_, work).verdict == verdict;
    left_ -= before - work.left();
    return so && !work.exhausted();
  }

 private:
  const TrustQuestion& question_;
  std::uint64_t left_ = work_of_all;
};

// The Denies that refuse the partner by themselves: each is tried in a draft of its own. None where that
// would take long.
std::vector<const Statement*> guilty_denies(const Draft& draft, const Policy& policy, std::size_t draft_size,
                                            Judge& judge) {
  std::vector<const Statement*> suspects;
  for (const Statement& deny : policy.statements()) {
    if (deny.effect == Effect::deny && draft.binds_partner(deny)) suspects.push_back(&deny);
  }
  if (suspects.size() * draft_size > search_bytes_max) return {};
  std::erase_if(suspects, [&](const Statement* deny) {
    const auto others = [&](const Statement& one) { return &one != deny && draft.binds_partner(one); };
    return !judge.is(TrustVerdict::denied, draft.write(others).text);
  });
  return suspects;
}

// With as few Denies narrowed as will do: none, those that refuse the partner by themselves, or all.
std::optional<Mend> safe_draft(const Draft& draft, const Policy& policy, Judge& judge) {
  const auto nothing = [](const Statement&) { return false; };
  Mend untouched = draft.write(nothing);
  if (judge.is(TrustVerdict::safe, untouched.text)) return untouched;
  const auto guilty = guilty_denies(draft, policy, untouched.text.size(), judge);
  const auto is_guilty = [&](const Statement& one) {
    return std::ranges::find(guilty, &one) != guilty.end();
  };
  if (!guilty.empty()) {
    if (Mend out = draft.write(is_guilty); judge.is(TrustVerdict::safe, out.text)) return out;
  }
  const auto any = [&](const Statement& one) { return draft.binds_partner(one); };
  if (Mend out = draft.write(any); judge.is(TrustVerdict::safe, out.text)) return out;
  return std::nullopt;
}

// All but what the partner's principal has.
std::vector<std::string> all_removed(const Policy& policy, const TrustQuestion& question) {
  std::vector<std::string> out;
  std::size_t number = 0;
  for (const Statement& statement : policy.statements()) {
    ++number;
    const bool partner_alone =
        statement.effect == Effect::allow && std::ranges::all_of(statement.principals, [&](const auto& one) {
          return one == partner_of(question);
        });
    if (!partner_alone) out.push_back(statement_title(number, statement.sid));
  }
  return out;
}

}  // namespace

Mend mend(const Policy& trust_policy, const TrustQuestion& question, const TrustAnalysis& analysis) {
  Judge judge{question};
  for (const Allows allows : {Allows::edited, Allows::replaced}) {
    const Draft draft{trust_policy, question, analysis, allows};
    if (auto safe = safe_draft(draft, trust_policy, judge)) return *std::move(safe);
  }
  return {plain_policy(question), all_removed(trust_policy, question)};
}

std::string plain_policy(const TrustQuestion& question) {
  return to_indented_json(Version::v2012_10_17, {}, {plain_statement(question, issued_of(question))});
}

}  // namespace deputy::policy
