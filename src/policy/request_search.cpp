#include "policy/request_search.hpp"

#include <algorithm>
#include <deque>

#include "policy/pattern.hpp"
#include "policy/statement_match.hpp"

namespace deputy::policy {
namespace {

struct BoundAtom {
  std::size_t key = 0;
  Literal literal;  // as it stands in an Allow
};
struct BoundStatement {
  std::size_t number = 0;
  std::vector<BoundAtom> atoms;
};

bool has_canonical_user(const Statement& statement) {
  return std::any_of(statement.principals.begin(), statement.principals.end(),
                     [](const auto& principal) { return principal.type == PrincipalType::canonical_user; });
}

// Whether the Deny is about the caller. A canonical user ID might be the caller's: the engine takes it so.
bool binds(const Statement& deny, const TrustCaller& caller, Certainty certainty) {
  if (deny.effect != Effect::deny || !covers(deny, caller.action)) return false;
  if (names(deny, caller.caller) != Naming::none) return true;
  return certainty == Certainty::certain && caller.standing != Standing::federated &&
         has_canonical_user(deny);
}

// The condition with its variables replaced. A value whose variable cannot be resolved matches nothing.
Condition resolved(const Condition& condition, const Request& environment) {
  Condition out = condition;
  out.values.clear();
  out.comparands.clear();
  for (std::size_t i = 0; i < condition.values.size(); ++i) {
    Comparand comparand = condition.comparands[i];
    bool resolvable = true;
    if (auto* text = std::get_if<VariableText>(&comparand)) {
      for (VariableText::Part& part : text->parts) {
        if (part.kind != VariableText::Kind::variable) continue;
        const auto value = resolve_text({{part}}, environment);
        resolvable = resolvable && value.has_value();
        part = {VariableText::Kind::verbatim, value.value_or(std::string{}), {}};
      }
    }
    if (!resolvable) continue;
    out.values.push_back(condition.values[i]);
    out.comparands.push_back(std::move(comparand));
  }
  return out;
}

// The values of all keys, and what is asked of them.
class Assignment {
 public:
  Assignment(const PolicyView& view, const RequestQuestion& question, WorkBudget& work)
      : certainty_(question.certainty), work_(work), keys_(view.keys().size()) {
    const bool signs = question.caller->standing != Standing::federated;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      keys_[i].values.name = view.keys()[i].name;
      keys_[i].facts = view.keys()[i].facts;
      // Of those who do not sign, aws:PrincipalAccount is `anonymous`.
      if (!signs && keys_[i].facts.kind == ValueKind::account) keys_[i].facts.kind = ValueKind::text;
    }
  }

  void ask(std::size_t key, const Literal& literal) {
    keys_[key].literals.push_back(literal);
    keys_[key].known = false;
  }

  // Values for a key that satisfy all that is asked of it; false when there are none.
  bool solve(std::size_t key) {
    KeyState& state = keys_[key];
    if (state.known) return true;
    auto values = find_values(state.literals, state.facts, certainty_, work_);
    if (!values) return false;
    state.values.values = *std::move(values);
    state.known = true;
    return true;
  }

  bool solve_all() {
    for (std::size_t key = 0; key < keys_.size(); ++key) {
      if (!solve(key)) return false;
    }
    return true;
  }

  // One more literal; when it cannot be satisfied all stays as it was.
  bool try_literal(std::size_t key, const Literal& literal, std::vector<std::string>& values_before) {
    values_before = keys_[key].values.values;
    ask(key, literal);
    if (solve(key)) return true;
    withdraw(key, values_before);
    return false;
  }
  void withdraw(std::size_t key, std::vector<std::string> values_before) {
    keys_[key].literals.pop_back();
    keys_[key].values.values = std::move(values_before);
    keys_[key].known = true;
  }

  bool fulfils(std::size_t key, const Literal& literal) {
    const ContextKey& values = keys_[key].values;
    const std::size_t length = values.values.empty() ? 1 : values.values.front().size();
    return work_.spend(cost_of(literal, length)) && satisfied(literal, values, certainty_);
  }

  std::vector<ContextKey> present_keys() const {
    std::vector<ContextKey> out;
    for (const KeyState& state : keys_) {
      if (!state.values.values.empty()) out.push_back(state.values);
    }
    return out;
  }
  const ContextKey& values_of(std::size_t key) const { return keys_[key].values; }

 private:
  struct KeyState {
    KeyFacts facts;
    std::vector<Literal> literals;
    ContextKey values;
    bool known = false;
  };
  Certainty certainty_;
  WorkBudget& work_;
  std::vector<KeyState> keys_;
};

Literal denied(Literal literal) {
  literal.must_hold = false;
  return literal;
}

// Goes through the Denies that the assignment runs into, and tries for each which of its conditions can be
// made to fail. An assignment is a solution when it runs into none; while it does, every solution must make
// one of that Deny's conditions fail, so that no solution is missed.
class DenySearch {
 public:
  DenySearch(Assignment& assignment, std::vector<BoundStatement> denies, WorkBudget& work)
      : assignment_(assignment), denies_(std::move(denies)), work_(work) {
    // Those that leave least choice first.
    std::sort(denies_.begin(), denies_.end(), [](const BoundStatement& a, const BoundStatement& b) {
      return std::pair{a.atoms.size(), a.number} < std::pair{b.atoms.size(), b.number};
    });
  }

  bool find() {
    if (!denies_.empty() && denies_.front().atoms.empty()) return false;
    for (;;) {
      const BoundStatement* deny = first_in_the_way();
      if (work_.exhausted()) return false;
      if (deny == nullptr) return true;
      trail_.push_back({deny, 0, {}});
      while (!take_next_choice()) {
        trail_.pop_back();
        if (trail_.empty() || work_.exhausted()) return false;
        Choice& last = trail_.back();
        assignment_.withdraw(last.deny->atoms[last.next - 1].key, std::move(last.values_before));
      }
    }
  }

 private:
  struct Choice {
    const BoundStatement* deny = nullptr;
    std::size_t next = 0;  // the atom to try; the one before it is taken
    std::vector<std::string> values_before;
  };

  const BoundStatement* first_in_the_way() {
    for (const BoundStatement& deny : denies_) {
      const bool fails = std::any_of(deny.atoms.begin(), deny.atoms.end(), [&](const BoundAtom& atom) {
        return assignment_.fulfils(atom.key, denied(atom.literal));
      });
      if (!fails) return &deny;
    }
    return nullptr;
  }

  bool take_next_choice() {
    Choice& choice = trail_.back();
    while (choice.next < choice.deny->atoms.size()) {
      const BoundAtom& atom = choice.deny->atoms[choice.next++];
      if (assignment_.try_literal(atom.key, denied(atom.literal), choice.values_before)) return true;
    }
    return false;
  }

  Assignment& assignment_;
  std::vector<BoundStatement> denies_;
  WorkBudget& work_;
  std::vector<Choice> trail_;
};

class RequestSearch {
 public:
  RequestSearch(const PolicyView& view, const RequestQuestion& question, WorkBudget& work)
      : view_(view), question_(question), work_(work) {
    for (const auto& statement : view.statements()) {
      if (!work.spend(50 + 5 * statement.statement->principals.size())) return;
      if (binds(*statement.statement, *question.caller, question.certainty)) denies_.push_back(&statement);
    }
  }

  std::optional<std::vector<ContextKey>> find() {
    if (work_.exhausted()) return std::nullopt;
    if (question_.certainty == Certainty::possible || !has_variables()) return find_with({});
    // For the keys that variables stand for: some value that suits, then absence.
    for (const bool present : {true, false}) {
      if (auto found = find_with(guess(present))) return found;
    }
    return std::nullopt;
  }

 private:
  struct Guess {
    std::vector<std::size_t> keys;
    Request environment;
  };

  bool has_variables() const {
    return question_.allow->has_variables ||
           std::any_of(denies_.begin(), denies_.end(), [](const auto* deny) { return deny->has_variables; });
  }

  std::vector<std::size_t> variable_keys() const {
    std::vector<std::size_t> out;
    const auto add = [&](const PolicyView::StatementView& statement) {
      for (const auto& atom : statement.atoms) {
        for (const Comparand& comparand : atom.condition->comparands) {
          const auto* text = std::get_if<VariableText>(&comparand);
          if (text == nullptr) continue;
          for (const auto& part : text->parts) {
            const auto key = part.kind == VariableText::Kind::variable ? view_.key(part.text) : std::nullopt;
            if (key && std::find(out.begin(), out.end(), *key) == out.end()) out.push_back(*key);
          }
        }
      }
    };
    add(*question_.allow);
    for (const auto* deny : denies_) add(*deny);
    return out;
  }

  Guess guess(bool present) {
    Guess out;
    Assignment assignment{view_, question_, work_};
    ask_of_caller_and_goal(assignment);
    for (const auto& atom : question_.allow->atoms) {
      if (atom.without_variables == nullptr) assignment.ask(atom.key, {atom.condition, true, false});
    }
    for (const std::size_t key : variable_keys()) {
      const Condition presence = make_presence(view_.keys()[key].name, present);
      std::vector<std::string> before;
      if (!assignment.solve(key)) continue;
      made_.push_back(presence);
      assignment.try_literal(key, {&made_.back(), true, false}, before);
      out.keys.push_back(key);
      if (!assignment.values_of(key).values.empty())
        out.environment.context.push_back(assignment.values_of(key));
    }
    return out;
  }

  void ask_of_caller_and_goal(Assignment& assignment) const {
    for (const auto& conditions : {std::span<const Condition>{question_.caller->facts}, question_.goal}) {
      for (const Condition& condition : conditions) {
        if (const auto key = view_.key(condition.key)) assignment.ask(*key, {&condition, true, false});
      }
    }
  }

  BoundStatement bind(const PolicyView::StatementView& statement, const Request& environment) {
    BoundStatement out{statement.number, {}};
    for (const auto& atom : statement.atoms) {
      Literal literal{atom.condition, true, false};
      if (atom.without_variables != nullptr && question_.certainty == Certainty::possible) {
        literal = {atom.without_variables, true, true};
      } else if (atom.without_variables != nullptr) {
        made_.push_back(resolved(*atom.condition, environment));
        literal.condition = &made_.back();
      }
      out.atoms.push_back({atom.key, literal});
    }
    return out;
  }

  void pin(Assignment& assignment, const Guess& guess) {
    for (const std::size_t key : guess.keys) {
      const std::string& name = view_.keys()[key].name;
      const ContextKey* values = guess.environment.find(name);
      made_.push_back(values == nullptr ? make_presence(name, false)
                                        : make_condition(name, Matching::equals, false, values->values));
      assignment.ask(key, {&made_.back(), true, false});
    }
  }

  std::optional<std::vector<ContextKey>> find_with(const Guess& guess) {
    Assignment assignment{view_, question_, work_};
    ask_of_caller_and_goal(assignment);
    pin(assignment, guess);
    for (const BoundAtom& atom : bind(*question_.allow, guess.environment).atoms)
      assignment.ask(atom.key, atom.literal);
    if (!assignment.solve_all()) return std::nullopt;
    std::vector<BoundStatement> denies;
    for (const auto* deny : denies_) denies.push_back(bind(*deny, guess.environment));
    if (!DenySearch{assignment, std::move(denies), work_}.find()) return std::nullopt;
    return assignment.present_keys();
  }

  const PolicyView& view_;
  const RequestQuestion& question_;
  WorkBudget& work_;
  std::vector<const PolicyView::StatementView*> denies_;
  std::deque<Condition> made_;  // literals point here
};

}  // namespace

std::optional<std::vector<ContextKey>> find_request(const PolicyView& view, const RequestQuestion& question,
                                                    WorkBudget& work) {
  return RequestSearch{view, question, work}.find();
}

}  // namespace deputy::policy
