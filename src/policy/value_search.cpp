#include "policy/value_search.hpp"

#include <algorithm>

#include "policy/glob_search.hpp"
#include "policy/pattern.hpp"
#include "policy/value_candidates.hpp"

namespace deputy::policy {
namespace {

using enum OperatorFamily;

const Request no_request;  // conditions come here with their variables resolved or left out

bool has_wildcards(std::string_view text) {
  return text.find_first_of("*?") != std::string_view::npos;
}

bool wants_match(const Literal& literal) {
  return literal.must_hold != literal.condition->condition_operator.negated;
}

bool all_empty(const ContextKey& key) {
  return std::all_of(key.values.begin(), key.values.end(), [](const std::string& v) { return v.empty(); });
}

// The texts of a literal that nothing but these satisfies; nothing when it leaves more open.
std::optional<std::vector<std::string>> only_texts(const Literal& literal) {
  const Condition& condition = *literal.condition;
  const OperatorFamily family = condition.condition_operator.family;
  if (!wants_match(literal) || literal.open_ended || (family != string_equals && family != string_like))
    return std::nullopt;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < condition.values.size(); ++i) {
    const auto* parts = std::get_if<VariableText>(&condition.comparands[i]);
    if (family == string_like && has_wildcards(condition.values[i])) return std::nullopt;
    if (parts == nullptr) {
      out.push_back(condition.values[i]);
    } else if (auto text = resolve_text(*parts, no_request)) {
      out.push_back(*std::move(text));
    }
  }
  return out;
}

// Looks for one value, not empty, that satisfies all literals taken as being about single values.
class OneValue {
 public:
  OneValue(std::vector<Literal> literals, const KeyFacts& facts, Certainty certainty, WorkBudget& work)
      : literals_(std::move(literals)), facts_(facts), certainty_(certainty), work_(work) {}

  std::optional<std::string> find() {
    for (const Literal& literal : literals_) {
      if (auto texts = only_texts(literal)) return first_good(*texts);
    }
    if (auto found = first_good({std::string{sample(facts_.kind)}})) return found;
    const auto typed = [](const Literal& literal) {
      return is_typed(literal.condition->condition_operator.family);
    };
    if (std::any_of(literals_.begin(), literals_.end(), typed)) return find_typed();
    return find_text(literals_, facts_.kind, certainty_, work_);
  }

 private:
  bool is_good(const std::string& value) {
    if (value.empty() || !admits(facts_.kind, value)) return false;
    key_.values.assign(1, value);
    return std::all_of(literals_.begin(), literals_.end(), [&](const Literal& literal) {
      return work_.spend(cost_of(literal, value.size())) && satisfied(literal, key_, certainty_);
    });
  }

  std::optional<std::string> first_good(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      if (work_.exhausted()) return std::nullopt;
      if (is_good(text)) return text;
    }
    return std::nullopt;
  }

  // The candidates tell all about one typed operator. Where it meets another, or texts, they are samples:
  // when none is good, perhaps there is one still.
  std::optional<std::string> find_typed() {
    std::vector<std::string> texts = candidates(literals_);
    if (!work_.spend(texts.size() * 50)) return std::nullopt;
    if (auto found = first_good(texts)) return found;
    if (certainty_ == Certainty::certain || is_one_sort()) return std::nullopt;
    return texts.front();
  }

  bool is_one_sort() const {
    const auto sort = [](const Literal& literal) {
      const OperatorFamily family = literal.condition->condition_operator.family;
      if (family >= numeric_equals && family <= numeric_greater_than_equals) return numeric_equals;
      if (family >= date_equals && family <= date_greater_than_equals) return date_equals;
      return family;
    };
    return std::all_of(literals_.begin(), literals_.end(),
                       [&](const Literal& literal) { return sort(literal) == sort(literals_.front()); });
  }

  std::vector<Literal> literals_;
  const KeyFacts& facts_;
  Certainty certainty_;
  WorkBudget& work_;
  ContextKey key_;
};

// Every value of a set must satisfy a universal literal, some value an existential one. Follows `holds`.
bool is_existential(const Literal& literal, Certainty certainty) {
  switch (literal.condition->condition_operator.qualifier) {
    case SetQualifier::for_all_values:
      return !literal.must_hold;
    case SetQualifier::for_any_value:
      return literal.must_hold;
    case SetQualifier::none:
      break;
  }
  // Values that disagree are undecidable.
  return certainty == Certainty::possible;
}

class KeyValues {
 public:
  KeyValues(std::span<const Literal> literals, const KeyFacts& facts, Certainty certainty, WorkBudget& work)
      : literals_(literals), facts_(facts), certainty_(certainty), work_(work) {}

  std::optional<std::vector<std::string>> find() {
    if (!facts_.always_present && are_satisfied({})) return std::vector<std::string>{};
    if (facts_.never_present) return std::nullopt;
    std::vector<Literal> about_values;
    bool may_have_values = true;
    for (const Literal& literal : literals_) {
      if (literal.condition->condition_operator.family != null) {
        about_values.push_back(literal);
      } else {
        may_have_values = may_have_values && satisfied(literal, {{}, {"x"}}, certainty_);
      }
    }
    if (may_have_values) {
      if (auto value = find_one(about_values)) return std::vector<std::string>{*std::move(value)};
    }
    if (facts_.kind == ValueKind::text && are_satisfied({""})) return std::vector<std::string>{""};
    return facts_.single_valued || !may_have_values ? std::nullopt : find_several(about_values);
  }

 private:
  bool are_satisfied(std::vector<std::string> values) {
    const ContextKey key{{}, std::move(values)};
    return std::all_of(literals_.begin(), literals_.end(), [&](const Literal& literal) {
      return work_.spend(cost_of(literal, 1)) && satisfied(literal, key, certainty_);
    });
  }

  std::optional<std::string> find_one(std::vector<Literal> literals) {
    if (!work_.spend(150 + 50 * literals.size())) return std::nullopt;
    return OneValue{std::move(literals), facts_, certainty_, work_}.find();
  }

  // One value for each existential literal, each satisfying all universal ones.
  std::optional<std::vector<std::string>> find_several(const std::vector<Literal>& literals) {
    std::vector<Literal> universal;
    for (const Literal& literal : literals) {
      if (!is_existential(literal, certainty_)) universal.push_back(literal);
    }
    std::vector<std::string> values;
    for (const Literal& literal : literals) {
      if (!is_existential(literal, certainty_)) continue;
      universal.push_back(literal);
      auto value = find_one(universal);
      const bool empty_text_does = !value && facts_.kind == ValueKind::text && take_empty_text(universal);
      universal.pop_back();
      if (!value && !empty_text_does) return std::nullopt;
      values.push_back(value.value_or(std::string{}));
    }
    if (values.empty()) return std::nullopt;  // one value would have done
    if (!all_empty({{}, values})) return values;
    // By themselves empty texts are the empty set.
    auto beside = find_one(universal);
    if (!beside) return std::nullopt;
    values.push_back(*std::move(beside));
    return values;
  }

  // Whether these hold for an empty text that stands beside others.
  bool take_empty_text(const std::vector<Literal>& literals) {
    return std::all_of(literals.begin(), literals.end(), [&](Literal literal) {
      if (!work_.spend(cost_of(literal, 1))) return false;
      Condition about_one = *literal.condition;
      about_one.condition_operator.qualifier = SetQualifier::none;
      literal.condition = &about_one;
      return satisfied(literal, {{}, {""}}, certainty_);
    });
  }

  std::span<const Literal> literals_;
  const KeyFacts& facts_;
  Certainty certainty_;
  WorkBudget& work_;
};

}  // namespace

bool accepts(Truth truth, const Literal& literal, Certainty certainty) {
  if (truth == Truth::undecidable) return certainty == Certainty::possible;
  return (truth == Truth::yes) == literal.must_hold;
}

bool satisfied(const Literal& literal, const ContextKey& key, Certainty certainty) {
  const bool qualified = literal.condition->condition_operator.qualifier != SetQualifier::none;
  const bool compares = !key.values.empty() && !(qualified && all_empty(key));
  if (literal.open_ended && compares && wants_match(literal)) return true;
  const ContextKey* present = key.values.empty() ? nullptr : &key;
  return accepts(holds(*literal.condition, present, no_request), literal, certainty);
}

std::uint64_t cost_of(const Literal& literal, std::size_t value_length) {
  const Condition& condition = *literal.condition;
  const OperatorFamily family = condition.condition_operator.family;
  std::uint64_t cost = 20;
  for (const std::string& value : condition.values) {
    cost += 10;
    const bool globs = family == string_like || family == arn_like || family == arn_equals;
    if (globs && value.find('*') != std::string::npos) cost += value.size() * value_length / 2;
  }
  return cost;
}

std::optional<std::vector<std::string>> find_values(std::span<const Literal> literals, const KeyFacts& facts,
                                                    Certainty certainty, WorkBudget& work) {
  if (!work.spend(200 + 50 * literals.size())) return std::nullopt;
  return KeyValues{literals, facts, certainty, work}.find();
}

}  // namespace deputy::policy
