#include "policy/policy_view.hpp"

#include <algorithm>

#include "policy/pattern.hpp"

namespace deputy::policy {

namespace {

bool is_always_decided(OperatorFamily family, const KeyFacts& facts) {
  if (!facts.single_valued) return false;
  // Whether an empty text is there nobody says.
  if (family == OperatorFamily::null) return facts.kind != ValueKind::text;
  return family == OperatorFamily::string_equals || family == OperatorFamily::string_equals_ignore_case ||
         family == OperatorFamily::string_like;
}

}  // namespace

PolicyView::PolicyView(const Policy& policy) : policy_(&policy) {
  add_key("sts:ExternalId");
  std::size_t number = 0;
  for (const Statement& statement : policy.statements()) {
    StatementView view{&statement, ++number, {}, false};
    for (const StatementPrincipal& principal : statement.principals)
      decidable_ = decidable_ && principal.type != PrincipalType::canonical_user;
    for (const Condition& condition : statement.conditions) {
      view.atoms.push_back(take_apart(condition));
      const Atom& atom = view.atoms.back();
      view.has_variables = view.has_variables || atom.without_variables != nullptr;
      decidable_ = decidable_ && atom.without_variables == nullptr &&
                   is_always_decided(condition.condition_operator.family, keys_[atom.key].facts);
    }
    statements_.push_back(std::move(view));
  }
}

std::optional<std::size_t> PolicyView::key(std::string_view name) const {
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (equal_ignoring_case(keys_[i].name, name)) return i;
  }
  return std::nullopt;
}

std::size_t PolicyView::add_key(std::string_view name) {
  if (const auto known = key(name)) return *known;
  keys_.push_back({std::string{name}, facts_about(name)});
  return keys_.size() - 1;
}

PolicyView::Atom PolicyView::take_apart(const Condition& condition) {
  Atom atom{&condition, add_key(condition.key), nullptr};
  Condition rest = condition;
  rest.values.clear();
  rest.comparands.clear();
  for (std::size_t i = 0; i < condition.values.size(); ++i) {
    const auto* text = std::get_if<VariableText>(&condition.comparands[i]);
    bool has_variable = false;
    for (std::size_t j = 0; text != nullptr && j < text->parts.size(); ++j) {
      const VariableText::Part& part = text->parts[j];
      if (part.kind != VariableText::Kind::variable) continue;
      has_variable = true;
      add_key(part.text);
    }
    if (has_variable) continue;
    rest.values.push_back(condition.values[i]);
    rest.comparands.push_back(condition.comparands[i]);
  }
  if (rest.values.size() < condition.values.size()) {
    without_variables_.push_back(std::move(rest));
    atom.without_variables = &without_variables_.back();
  }
  return atom;
}

bool covers(const Statement& statement, std::string_view action) {
  const bool listed =
      std::any_of(statement.actions.begin(), statement.actions.end(),
                  [&](const std::string& pattern) { return glob_matches_ignoring_case(pattern, action); });
  return listed != statement.not_action;
}

}  // namespace deputy::policy
