#include "policy/trust_judgement.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "policy/condition.hpp"
#include "policy/key_facts.hpp"
#include "policy/pattern.hpp"
#include "policy/request_search.hpp"
#include "policy/statement_match.hpp"
#include "policy/trust_callers.hpp"
#include "policy/trust_text.hpp"

namespace deputy::policy {
namespace {

using StatementView = PolicyView::StatementView;

std::string title_of(const StatementView& view) {
  return statement_title(view.number, view.statement->sid);
}

enum class Sight { nothing, perhaps, found };

struct Sighting {
  Sight sight = Sight::nothing;
  std::optional<Request> witness;
};

std::vector<std::string> texts_of(const std::vector<ExternalId>& ids) {
  std::vector<std::string> out;
  for (const ExternalId& id : ids) out.push_back(id.text());
  return out;
}

const std::string* value_of(const std::vector<ContextKey>& context, std::string_view name) {
  for (const ContextKey& key : context) {
    if (equal_ignoring_case(key.name, name) && key.values.size() == 1) return &key.values.front();
  }
  return nullptr;
}

// `arn:aws:iam::ACCOUNT:…`
std::string account_in(std::string_view arn) {
  for (int i = 0; i < 4; ++i) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return std::string{arn.substr(0, arn.find(':'))};
}

// The key by which a provider names the person or machine that it vouches for.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
std::string subject_key(std::string_view provider) {
  constexpr std::string_view oidc = ":oidc-provider/";
  if (provider.find(":saml-provider/") != std::string_view::npos) return "SAML:sub";
  if (provider == "graph.facebook.com") return "graph.facebook.com:id";
  if (provider == "www.amazon.com") return "www.amazon.com:user_id";
  const std::size_t at = provider.find(oidc);
  if (at != std::string_view::npos) provider.remove_prefix(at + oidc.size());
  return std::string{provider} + ":sub";
}

// The caller of a class became one of its members: what the keys say of it goes for its ARNs too.
Caller fitted(const TrustCaller& caller, const std::vector<ContextKey>& context) {
  Caller out = caller.caller;
  if (const std::string* id = value_of(context, "aws:userid")) out.unique_id = *id;
  const std::string* arn = value_of(context, "aws:PrincipalArn");
  const std::string* user = value_of(context, "aws:username");
  if (!caller.is_example) return out;
  if (caller.is_user) {
    if (user != nullptr && arn == nullptr) out.arn = out.arn.substr(0, out.arn.rfind('/') + 1) + *user;
    if (arn != nullptr) out.arn = *arn;
  } else if (arn != nullptr) {
    out.role_arn = *arn;
    const std::string partition = arn->substr(4, arn->find(':', 4) - 4);
    out.arn = fmt::format("arn:{}:sts::{}:assumed-role/{}/any-session", partition, out.account,
                          arn->substr(arn->rfind('/') + 1));
  }
  return out;
}

class Judgement {
 public:
  Judgement(const Policy& policy, const TrustQuestion& question, WorkBudget& work)
      : view_(policy), question_(question), work_(work), callers_(callers_of(view_, question)) {
    std::vector<std::string> known = texts_of(question.issued);
    for (const ExternalId& id : question.tolerated) known.push_back(id.text());
    without_id_ = {make_presence("sts:ExternalId", false)};
    with_wrong_id_ = {make_presence("sts:ExternalId", true),
                      make_condition("sts:ExternalId", Matching::equals, true, std::move(known))};
  }

  TrustAnalysis run() && {
    for (const TrustCaller& caller : callers_) {
      if (!work_.exhausted()) examine(caller);
    }
    if (!work_.exhausted()) look_for_issued();
    if (work_.exhausted()) {
      add({"undecided",
           FindingWeight::unsafe,
           "the policy is too involved to be analyzed wholly, so it could not be shown to be closed: "
           "simplify its "
           "conditions and Deny statements",
           {}});
      if (!analysis_.witness) try_what_is_written();
    }
    for (TrustFinding& note : notes_on(view_, question_)) add(std::move(note));
    return conclude();
  }

 private:
  using Goal = std::vector<Condition>;

  void add(TrustFinding finding) {
    const bool told =
        std::any_of(analysis_.findings.begin(), analysis_.findings.end(), [&](const TrustFinding& one) {
          return one.code == finding.code && one.statement == finding.statement &&
                 one.message == finding.message;
        });
    if (!told && analysis_.findings.size() < kept_max) analysis_.findings.push_back(std::move(finding));
  }

  TrustAnalysis conclude() {
    std::vector<TrustFinding> findings;
    for (const FindingWeight weight : {FindingWeight::unsafe, FindingWeight::denied, FindingWeight::note}) {
      for (TrustFinding& finding : analysis_.findings) {
        if (finding.weight == weight) findings.push_back(std::move(finding));
      }
    }
    if (findings.size() > findings_max) findings.resize(findings_max);
    const FindingWeight heaviest = findings.empty() ? FindingWeight::note : findings.front().weight;
    analysis_.verdict = heaviest == FindingWeight::unsafe   ? TrustVerdict::unsafe
                        : heaviest == FindingWeight::denied ? TrustVerdict::denied
                                                            : TrustVerdict::safe;
    analysis_.findings = std::move(findings);
    return std::move(analysis_);
  }

  // ── Looking for one request ──

  Request to_request(const TrustCaller& caller, std::vector<ContextKey> context) const {
    Request request;
    request.caller = fitted(caller, context);
    request.action = caller.action;
    const std::string_view partition = to_text(question_.partner_principal.partition());
    request.resource = question_.role_account ? fmt::format("arn:{}:iam::{}:role/this-role", partition,
                                                            question_.role_account->text())
                                              : "*";
    request.context = std::move(context);
    add_principal_keys(request);
    return request;
  }

  Sighting look_for_certain(const TrustCaller& caller, const StatementView& allow, const Goal& goal) {
    auto context = find_request(view_, {&caller, &allow, goal, Certainty::certain}, work_);
    if (!context) return {};
    Request request = to_request(caller, *std::move(context));
    if (!evaluate(view_.policy(), request).allowed()) return {Sight::perhaps, std::nullopt};
    return {Sight::found, std::move(request)};
  }

  Sighting look(const TrustCaller& caller, const StatementView& allow, const Goal& goal) {
    if (caller.standing == Standing::stranger) return look_for_stranger(caller, allow, goal);
    Sighting certain = look_for_certain(caller, allow, goal);
    if (certain.sight != Sight::nothing || view_.is_decidable()) return certain;
    const auto context = find_request(view_, {&caller, &allow, goal, Certainty::possible}, work_);
    return {context ? Sight::perhaps : Sight::nothing, std::nullopt};
  }

  Sighting look_for_stranger(const TrustCaller& caller, const StatementView& allow, const Goal& goal) {
    const auto context = find_request(view_, {&caller, &allow, goal, Certainty::possible}, work_);
    if (!context) return {};
    auto witness = find_stranger(caller, allow, goal, *context);
    return {witness ? Sight::found : Sight::perhaps, std::move(witness)};
  }

  // Of an account that the conditions ask for, or of any.
  std::optional<Request> find_stranger(const TrustCaller& caller, const StatementView& allow,
                                       const Goal& goal, const std::vector<ContextKey>& context) {
    std::vector<std::string> accounts;
    if (const std::string* arn = value_of(context, "aws:PrincipalArn")) accounts.push_back(account_in(*arn));
    if (const std::string* account = value_of(context, "aws:PrincipalAccount")) accounts.push_back(*account);
    if (accounts.empty()) accounts.push_back(unnamed_account());
    for (const std::string& account : accounts) {
      const TrustCaller one = in_account(caller, account, view_, question_);
      if (auto witness = look_for_certain(one, allow, goal).witness) return witness;
    }
    return std::nullopt;
  }

  std::string unnamed_account() const {
    for (std::uint64_t number = 999'999'999'999;; --number) {
      const std::string account = std::to_string(number);
      const auto is_named = [&](const TrustCaller& caller) { return caller.caller.account == account; };
      const bool in_question = (question_.role_account && question_.role_account->text() == account);
      if (!in_question && std::none_of(callers_.begin(), callers_.end(), is_named)) return account;
    }
  }

  // ── What each caller may do ──

  void examine(const TrustCaller& caller) {
    if (caller.standing == Standing::own_account) return;  // it is the customer's own role
    for (const StatementView& allow : view_.statements()) {
      if (work_.exhausted() || !work_.spend(20 + 3 * allow.statement->principals.size())) return;
      if (allow.statement->effect != Effect::allow || !covers(*allow.statement, caller.action)) continue;
      if (names(*allow.statement, caller.caller) == Naming::none) continue;
      switch (caller.standing) {
        case Standing::partner_principal:
        case Standing::partner_identity:
          examine_partner(caller, allow);
          break;
        case Standing::unknown_identity:
          examine_unknown(caller, allow);
          break;
        case Standing::federated:
          examine_federated(caller, allow);
          break;
        default:
          examine_foreign(caller, allow);
      }
    }
  }

  void report(const Sighting& sighting, const StatementView& allow, std::string_view code,
              std::string message, const std::string& who) {
    if (sighting.sight == Sight::nothing || work_.exhausted()) return;
    if (sighting.sight == Sight::perhaps) {
      add({"undecided", FindingWeight::unsafe,
           fmt::format("{} could not be shown to refuse {}: it depends on policy variables, or on values "
                       "that its operators cannot compare",
                       title_of(allow), who),
           allow.number});
      return;
    }
    if (!analysis_.witness) analysis_.witness = sighting.witness;
    add({std::string{code}, FindingWeight::unsafe, std::move(message), allow.number});
  }

  bool has_finding(const StatementView& allow) const {
    return std::any_of(analysis_.findings.begin(), analysis_.findings.end(),
                       [&](const TrustFinding& finding) {
                         return finding.weight == FindingWeight::unsafe && finding.statement == allow.number;
                       });
  }

  void examine_partner(const TrustCaller& caller, const StatementView& allow) {
    const bool principal = caller.standing == Standing::partner_principal;
    if (analysis_.witness && has_finding(allow))
      return;  // what is open to the partner principal need not be said of others
    const std::string who = principal ? "the partner" : in_backticks(caller.name);
    const Sighting without = look(caller, allow, without_id_);
    report(without, allow, principal ? "external_id_not_required" : "partner_identity_without_id",
           fmt::format("{} lets {} in without any external ID: whoever gets the partner to act can reach "
                       "this role through it",
                       title_of(allow), who),
           who + " without an external ID");
    if (without.sight == Sight::found) return;
    const Sighting wrong = look(caller, allow, with_wrong_id_);
    const std::string* id = wrong.witness ? value_of(wrong.witness->context, "sts:ExternalId") : nullptr;
    report(wrong, allow, principal ? "external_id_not_exact" : "partner_identity_wrong_id",
           fmt::format("{} accepts from {} other external IDs than the issued one, such as {}: another "
                       "customer of the partner could have that one",
                       title_of(allow), who, in_backticks(id == nullptr ? "" : *id)),
           who + " with another external ID");
  }

  void examine_unknown(const TrustCaller& caller, const StatementView& allow) {
    const std::string who = fmt::format("the identity {}", in_backticks(caller.name));
    for (const Goal* goal : {&without_id_, &with_wrong_id_}) {
      const Sighting sighting = look(caller, allow, *goal);
      report(sighting, allow, "unknown_identity_open",
             fmt::format("{} trusts {}, of which nobody can tell whose it is, without asking for the issued "
                         "external ID",
                         title_of(allow), who),
             who);
      if (sighting.sight != Sight::nothing) return;
    }
    add({"unknown_identity", FindingWeight::note,
         fmt::format("{} trusts {}: most likely a role or user that was deleted; name the "
                     "partner's role by "
                     "its ARN",
                     title_of(allow), who),
         allow.number});
  }

  void examine_foreign(const TrustCaller& caller, const StatementView& allow) {
    const Sighting sighting = look(caller, allow, {});
    if (caller.standing == Standing::stranger) {
      report(sighting, allow, "everyone",
             fmt::format("{} lets every AWS account in that meets its conditions: an external ID is no "
                         "secret, so it must name the partner",
                         title_of(allow)),
             "strangers");
    } else if (caller.standing == Standing::canonical_user) {
      report(sighting, allow, "canonical_user",
             fmt::format("{} trusts the canonical user ID {}, of which nobody can tell whose it is",
                         title_of(allow), in_backticks(caller.name)),
             "a canonical user");
    } else {
      report(sighting, allow, "foreign_account",
             fmt::format("{} lets {} in, which is neither the partner's nor known as your own",
                         title_of(allow), in_backticks(caller.name)),
             in_backticks(caller.name));
    }
  }

  // Pinned: only subjects that the policy lists, each by itself, come in.
  void examine_federated(const TrustCaller& caller, const StatementView& allow) {
    const bool by_name = std::any_of(allow.statement->principals.begin(), allow.statement->principals.end(),
                                     [](const auto& one) { return one.type == PrincipalType::federated; });
    Goal other_subject;
    const std::string key = subject_key(caller.name);
    if (by_name && view_.key(key)) {
      other_subject = {make_condition(key, Matching::equals, true, listed_subjects(key))};
    }
    const Sighting sighting = look(caller, allow, other_subject);
    report(sighting, allow, "federated_subject_not_pinned",
           fmt::format("{} lets in whoever {} vouches for; pin {} to the exact subjects that may come",
                       title_of(allow), in_backticks(caller.name), in_backticks(key)),
           fmt::format("callers of {}", in_backticks(caller.name)));
    if (sighting.sight != Sight::nothing || !by_name) return;
    if (!find_request(view_, {&caller, &allow, {}, Certainty::possible}, work_)) return;
    add({"federated_subject", FindingWeight::note,
         fmt::format("{} lets in the subjects of {} that it lists", title_of(allow),
                     in_backticks(caller.name)),
         allow.number});
  }

  std::vector<std::string> listed_subjects(std::string_view key) const {
    std::vector<std::string> out;
    for (const StatementView& statement : view_.statements()) {
      for (const auto& atom : statement.atoms) {
        const OperatorFamily family = atom.condition->condition_operator.family;
        if (!equal_ignoring_case(atom.condition->key, key)) continue;
        if (family != OperatorFamily::string_equals && family != OperatorFamily::string_like) continue;
        const Condition& plain =
            atom.without_variables != nullptr ? *atom.without_variables : *atom.condition;
        for (std::size_t i = 0; i < plain.values.size(); ++i) {
          const bool is_text = std::holds_alternative<std::monostate>(plain.comparands[i]);
          const bool is_pattern = family == OperatorFamily::string_like &&
                                  plain.values[i].find_first_of("*?") != std::string::npos;
          if (is_text && !is_pattern) out.push_back(plain.values[i]);
        }
      }
    }
    if (out.empty()) out.emplace_back();  // an empty subject is none
    return out;
  }

  // ── What must be accepted ──

  void look_for_issued() {
    for (const ExternalId& id : question_.issued) {
      Sight best = Sight::nothing;
      const Goal goal{make_condition("sts:ExternalId", Matching::equals, false, {id.text()})};
      for (const TrustCaller& caller : callers_) {
        if (caller.standing != Standing::partner_principal || best == Sight::found) continue;
        best = std::max(best, look_for_issued(caller, goal));
      }
      if (best == Sight::nothing) {
        add({"issued_id_refused",
             FindingWeight::denied,
             fmt::format("the partner principal {} is refused with the issued external ID {}{}",
                         in_backticks(question_.partner_principal.text()), in_backticks(id.text()),
                         why_refused(id)),
             {}});
      } else if (best == Sight::perhaps) {
        add({"issued_id_undecided",
             FindingWeight::denied,
             fmt::format(
                 "it could not be shown that the partner principal is accepted with the issued external ID "
                 "{}: it depends on policy variables, or on values that operators cannot compare",
                 in_backticks(id.text())),
             {}});
      }
    }
  }

  // Where one reason goes for every request: what the statements for the partner ask for besides the ID, or
  // that none names it.
  std::string why_refused(const ExternalId& id) const {
    const TrustCaller& partner = callers_.front();
    std::string out;
    bool named = false;
    for (const StatementView& allow : view_.statements()) {
      if (allow.statement->effect != Effect::allow || !covers(*allow.statement, partner.action)) continue;
      if (names(*allow.statement, partner.caller) == Naming::none) continue;
      named = true;
      out += unmet_conditions(allow, partner, id);
    }
    if (!named) return ": no statement names it for sts:AssumeRole";
    if (!out.empty()) return ": " + out.substr(2);
    return ": a Deny refuses it, or the conditions of the statements exclude each other";
  }

  // `; statement 1 asks for …`: of the conditions whose key is fixed for the partner, those that do not hold.
  std::string unmet_conditions(const StatementView& allow, const TrustCaller& partner,
                               const ExternalId& id) const {
    Request request = to_request(partner, {{"sts:ExternalId", {id.text()}}});
    std::string out;
    for (const auto& atom : allow.atoms) {
      const Condition& condition = *atom.condition;
      const ContextKey* key = request.find(condition.key);
      const bool fixed = key != nullptr || facts_about(condition.key).never_present;
      if (!fixed || holds(condition, key, request) == Truth::yes) continue;
      const std::string listed = in_backticks(condition.values.front()) +
                                 (condition.values.size() > 1 ? " or another of its values" : "");
      out +=
          fmt::format("; {} asks for {} {} {}, and {}", title_of(allow),
                      to_text(condition.condition_operator), in_backticks(condition.key), listed,
                      key == nullptr ? "no request has that key"
                                     : fmt::format("the partner's is {}", in_backticks(key->values.front())));
    }
    return out;
  }

  Sight look_for_issued(const TrustCaller& caller, const Goal& goal) {
    Sight best = Sight::nothing;
    for (const StatementView& allow : view_.statements()) {
      if (allow.statement->effect != Effect::allow || !covers(*allow.statement, caller.action)) continue;
      if (names(*allow.statement, caller.caller) == Naming::none) continue;
      best = std::max(best, look(caller, allow, goal).sight);
      if (best == Sight::found) break;
    }
    return best;
  }

  // ── Where looking took too long ──

  void try_what_is_written() {
    const TrustCaller& partner = callers_.front();
    const auto is_let_in = [&](std::vector<ContextKey> context) {
      Request request = to_request(partner, std::move(context));
      if (!evaluate(view_.policy(), request).allowed()) return false;
      analysis_.witness = std::move(request);
      return true;
    };
    if (is_let_in({})) return;
    for (const std::string& id : written_ids()) {
      if (is_let_in({{"sts:ExternalId", {id}}})) return;
    }
  }

  // External IDs that the policy spells, patterns with nothing for a `*` and an `a` for a `?`.
  std::vector<std::string> written_ids() const {
    constexpr std::size_t tried_max = 8;
    std::vector<std::string> out;
    for (const StatementView& statement : view_.statements()) {
      if (statement.statement->effect != Effect::allow) continue;
      for (const Condition& condition : statement.statement->conditions) {
        if (!equal_ignoring_case(condition.key, "sts:ExternalId")) continue;
        for (std::string value : condition.values) {
          std::erase(value, '*');
          std::ranges::replace(value, '?', 'a');
          const auto id = ExternalId::parse(value);
          const auto is_it = [&](const ExternalId& one) { return id && one == id.value(); };
          if (!id || std::ranges::any_of(question_.issued, is_it)) continue;
          if (std::ranges::any_of(question_.tolerated, is_it)) continue;
          out.push_back(std::move(value));
          if (out.size() == tried_max) return out;
        }
      }
    }
    return out;
  }

  static constexpr std::size_t kept_max = 4 * findings_max;

  PolicyView view_;
  const TrustQuestion& question_;
  WorkBudget& work_;
  std::vector<TrustCaller> callers_;
  Goal without_id_, with_wrong_id_;
  TrustAnalysis analysis_;
};

}  // namespace

TrustAnalysis judge(const Policy& trust_policy, const TrustQuestion& question, WorkBudget& work) {
  return Judgement{trust_policy, question, work}.run();
}

TrustAnalysis invalid_policy_analysis(std::string_view reason) {
  TrustAnalysis out;
  out.verdict = TrustVerdict::invalid;
  out.findings.push_back({"policy_invalid", FindingWeight::invalid, std::string{reason}, {}});
  return out;
}

}  // namespace deputy::policy
