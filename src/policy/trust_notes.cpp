#include <algorithm>
#include <fmt/format.h>

#include "policy/pattern.hpp"
#include "policy/trust_judgement.hpp"
#include "policy/trust_text.hpp"

namespace deputy::policy {
namespace {

constexpr std::string_view assume_role = "sts:AssumeRole";

using StatementView = PolicyView::StatementView;

class Notes {
 public:
  Notes(const PolicyView& view, const TrustQuestion& question) : view_(view), question_(question) {}

  std::vector<TrustFinding> take() && {
    if (view_.policy().version() == Version::v2008_10_17) {
      out_.push_back({"old_version",
                      FindingWeight::note,
                      "the policy has version 2008-10-17, in which policy variables are plain text; write "
                      "\"Version\": \"2012-10-17\"",
                      {}});
    }
    for (const StatementView& statement : view_.statements()) {
      if (statement.statement->effect == Effect::deny) {
        note_deny(statement);
      } else if (covers(*statement.statement, assume_role)) {
        note_principals(statement);
        if (is_for_partner(statement)) note_conditions(statement);
      }
    }
    return std::move(out_);
  }

 private:
  void note(const StatementView& statement, std::string_view code, std::string message) {
    out_.push_back(
        {std::string{code}, FindingWeight::note,
         fmt::format("{} {}", statement_title(statement.number, statement.statement->sid), message),
         statement.number});
  }

  bool is_partner(std::string_view account) const {
    return account == question_.partner_principal.account().text() ||
           std::any_of(question_.partner_accounts.begin(), question_.partner_accounts.end(),
                       [&](const AccountId& one) { return one.text() == account; });
  }
  bool is_own(std::string_view account) const {
    return question_.role_account && question_.role_account->text() == account && !is_partner(account);
  }

  // Whether it may let the partner in.
  bool is_for_partner(const StatementView& statement) const {
    return std::ranges::any_of(statement.statement->principals, [&](const StatementPrincipal& principal) {
      if (principal.type == PrincipalType::everyone) return true;
      if (principal.type == PrincipalType::aws_account)
        return !is_elsewhere(principal) && is_partner(principal.value);
      return principal.type == PrincipalType::aws_arn && is_partner(account_of(principal.value));
    });
  }
  bool is_elsewhere(const StatementPrincipal& principal) const {
    return !principal.partition.empty() &&
           principal.partition != to_text(question_.partner_principal.partition());
  }

  // Of an identity's ARN.
  static std::string_view account_of(std::string_view arn) {
    for (int i = 0; i < 4; ++i) arn.remove_prefix(arn.find(':') + 1);
    return arn.substr(0, arn.find(':'));
  }

  void note_principals(const StatementView& statement) {
    for (const StatementPrincipal& principal : statement.statement->principals) {
      const std::string named = in_backticks(principal.value);
      if (principal.type == PrincipalType::service) {
        note(statement, "service_principal", fmt::format("lets the AWS service {} in", named));
      } else if (principal.type == PrincipalType::everyone) {
        note(statement, "everyone_narrowed", "names everyone, and only its conditions say who that is");
      } else if (principal.type == PrincipalType::aws_account && !is_elsewhere(principal)) {
        note_account(statement, principal.value);
      } else if (principal.type == PrincipalType::aws_arn) {
        note_arn(statement, principal.value);
      }
    }
  }

  void note_account(const StatementView& statement, const std::string& account) {
    if (is_own(account)) {
      note(statement, "own_account", "lets identities of your own account in");
    } else if (is_partner(account)) {
      note(statement, "partner_account",
           fmt::format("trusts the partner's whole account {}; the role {} alone would do",
                       in_backticks(account), in_backticks(question_.partner_principal.text())));
    }
  }

  void note_arn(const StatementView& statement, const std::string& arn) {
    if (arn == question_.partner_principal.text()) return;
    const std::string_view account = account_of(arn);
    if (is_own(account)) {
      note(statement, "own_account", fmt::format("lets {} of your own account in", in_backticks(arn)));
    } else if (is_partner(account)) {
      note(statement, "partner_identity",
           fmt::format("names {} of the partner's, which is not its principal", in_backticks(arn)));
    }
  }

  void note_conditions(const StatementView& statement) {
    for (const auto& atom : statement.atoms) {
      const Condition& condition = *atom.condition;
      const ConditionOperator& wanted = condition.condition_operator;
      const bool plain = wanted.family == OperatorFamily::string_equals && !wanted.negated &&
                         !wanted.if_exists && wanted.qualifier == SetQualifier::none;
      if (equal_ignoring_case(condition.key, "aws:ExternalId")) {
        note(statement, "no_such_key",
             "asks for `aws:ExternalId`, and no request has that key: write `sts:ExternalId`");
      } else if (atom.key != PolicyView::external_id) {
        note(statement, "extra_condition",
             fmt::format("opens only under a condition on {}; what the partner sends must meet it",
                         in_backticks(condition.key)));
      } else if (!plain) {
        note(statement, "odd_operator",
             fmt::format("compares the external ID with {}; StringEquals is what cannot be misread",
                         to_text(wanted)));
      } else {
        note_tolerated(statement, condition);
      }
    }
  }

  void note_tolerated(const StatementView& statement, const Condition& condition) {
    for (const ExternalId& id : question_.tolerated) {
      if (std::find(condition.values.begin(), condition.values.end(), id.text()) == condition.values.end())
        continue;
      note(statement, "tolerated_id",
           fmt::format("lists {}, of a rotation under way", in_backticks(id.text())));
    }
  }

  void note_deny(const StatementView& statement) {
    const bool about_id = std::any_of(statement.atoms.begin(), statement.atoms.end(),
                                      [](const auto& atom) { return atom.key == PolicyView::external_id; });
    if (!about_id || !covers(*statement.statement, assume_role)) return;
    note(statement, "external_id_in_deny",
         "speaks of the external ID in a Deny; a condition in the Allow is easier to read and to keep right");
  }

  const PolicyView& view_;
  const TrustQuestion& question_;
  std::vector<TrustFinding> out_;
};

}  // namespace

std::vector<TrustFinding> notes_on(const PolicyView& view, const TrustQuestion& question) {
  return Notes{view, question}.take();
}

}  // namespace deputy::policy
