#include "policy/glob_search.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <variant>
#include <vector>

#include "json/text.hpp"
#include "policy/pattern.hpp"

namespace deputy::policy {
namespace {

using enum OperatorFamily;
using Word = std::uint64_t;
constexpr std::size_t word_bits = 64;
constexpr std::size_t arn_colons = 5;

// ── Text as characters ──

void append_character(std::string& out, char32_t character) {
  const auto value = static_cast<unsigned>(character);
  const auto push = [&](unsigned byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (value < 0x80) return push(value);
  if (value < 0x800) {
    push(0xc0U | (value >> 6U));
    return push(0x80U | (value & 0x3fU));
  }
  if (value < 0x10000) {
    push(0xe0U | (value >> 12U));
  } else {
    push(0xf0U | (value >> 18U));
    push(0x80U | ((value >> 12U) & 0x3fU));
  }
  push(0x80U | ((value >> 6U) & 0x3fU));
  push(0x80U | (value & 0x3fU));
}

char32_t other_case(char32_t c) {
  if (c >= U'a' && c <= U'z') return c - U'a' + U'A';
  if (c >= U'A' && c <= U'Z') return c - U'A' + U'a';
  return c;
}

// ── Patterns as automata ──

// One step of a pattern. Before it, `runs` lets any characters pass; in the first five parts of an ARN no
// colon.
struct Step {
  char32_t character = 0;
  bool any = false;
  bool runs = false;
  bool spares_colons = false;
  bool ends = false;  // behind the last character
};
using Steps = std::vector<Step>;

struct Unit {
  char32_t character = 0;
  bool wild = false;
};

std::vector<Unit> units_of(const Condition& condition, std::size_t index) {
  const OperatorFamily family = condition.condition_operator.family;
  const bool has_wildcards = family == string_like || family == arn_like || family == arn_equals;
  std::vector<Unit> out;
  const auto add = [&](std::string_view text, bool wildcards) {
    while (!text.empty()) {
      const char32_t c = json::take_character(text);
      out.push_back({c, wildcards && (c == U'*' || c == U'?')});
    }
  };
  const auto* parts = std::get_if<VariableText>(&condition.comparands[index]);
  if (parts == nullptr) {
    add(condition.values[index], has_wildcards);
    return out;
  }
  for (const VariableText::Part& part : parts->parts)
    add(part.text, has_wildcards && part.kind == VariableText::Kind::plain);
  return out;
}

Steps compile(const std::vector<Unit>& units, bool arn) {
  Steps steps;
  std::size_t colons = arn ? 0 : arn_colons;
  Step next;
  for (const Unit& unit : units) {
    next.spares_colons = colons < arn_colons;
    if (unit.wild && unit.character == U'*') {
      next.runs = true;
      continue;
    }
    next.any = unit.wild;
    next.character = unit.character;
    steps.push_back(next);
    next = {};
    if (!unit.wild && unit.character == U':') ++colons;
  }
  next.spares_colons = colons < arn_colons;
  next.ends = true;
  steps.push_back(next);
  return steps;
}

// ── All patterns together: one bit for each step of each ──

// Bits of one literal within the words.
struct Range {
  std::size_t first_word = 0, end_word = 0;
  std::vector<Word> all, ends, for_ever;  // its steps; those behind the last character; those that stay so
};
struct Group {
  Range range;
  bool arn = false;
  bool if_matched = false, if_not = false, if_undecidable = false;  // whether the literal is satisfied then
};
struct Symbol {
  char32_t character = 0;
  std::vector<Word> takes, keeps;  // steps that the character completes; steps that it leaves as they are
};

bool any_common(const std::vector<Word>& mask, const Range& range, const Word* state) {
  for (std::size_t i = range.first_word; i < range.end_word; ++i) {
    if ((mask[i - range.first_word] & state[i]) != 0) return true;
  }
  return false;
}

class Automaton {
 public:
  Automaton(std::span<const Literal> literals, ValueKind kind, Certainty certainty)
      : domain_(text_domain(kind)) {
    for (const Literal& literal : literals) add(literal, certainty);
    words_ = (steps_.size() + word_bits - 1) / word_bits;
    for (Group& group : groups_) fill(group);
    choose_symbols();
  }

  std::size_t words() const { return words_; }
  const std::vector<Symbol>& symbols() const { return symbols_; }
  const TextDomain& domain() const { return domain_; }
  bool counts_colons() const { return arn_; }

  void start(Word* state) const {
    std::fill_n(state, words_, 0);
    for (const std::size_t step : starts_) state[step / word_bits] |= Word{1} << (step % word_bits);
  }

  void advance(const Word* from, const Symbol& symbol, Word* to) const {
    Word carry = 0;
    for (std::size_t i = 0; i < words_; ++i) {
      const Word moved = from[i] & symbol.takes[i];
      to[i] = (moved << 1U) | carry | (from[i] & symbol.keeps[i]);
      carry = moved >> (word_bits - 1);
    }
  }

  bool accepts_end(const Word* state, std::size_t colons) const {
    return std::all_of(groups_.begin(), groups_.end(), [&](const Group& group) {
      if (group.arn && colons < arn_colons) return group.if_undecidable;
      return any_common(group.range.ends, group.range, state) ? group.if_matched : group.if_not;
    });
  }

  // Whether nothing that follows can make it accept.
  bool is_dead(const Word* state, std::size_t colons) const {
    return std::any_of(groups_.begin(), groups_.end(), [&](const Group& group) {
      if (group.arn && colons < arn_colons && group.if_undecidable) return false;
      if (!group.if_not && !any_common(group.range.all, group.range, state)) return true;
      return !group.if_matched && any_common(group.range.for_ever, group.range, state);
    });
  }

 private:
  void add(const Literal& literal, Certainty certainty) {
    const Condition& condition = *literal.condition;
    const ConditionOperator& wanted = condition.condition_operator;
    const auto satisfies = [&](Truth truth) { return accepts(truth, literal, certainty); };
    Group group;
    group.arn = wanted.family == arn_equals || wanted.family == arn_like;
    arn_ = arn_ || group.arn;
    group.if_matched = satisfies(wanted.negated ? Truth::no : Truth::yes);
    group.if_not =
        satisfies(wanted.negated ? Truth::yes : Truth::no) || (literal.open_ended && group.if_matched);
    group.if_undecidable = satisfies(Truth::undecidable);
    const std::size_t first = steps_.size();
    for (std::size_t i = 0; i < condition.values.size(); ++i) {
      const Steps steps = compile(units_of(condition, i), group.arn);
      if (group.arn && steps.back().spares_colons) continue;  // no ARN pattern: matches nothing
      if (!can_match(steps, wanted.family == string_equals_ignore_case)) continue;
      starts_.push_back(steps_.size());
      steps_.insert(steps_.end(), steps.begin(), steps.end());
      caseless_.resize(steps_.size(), wanted.family == string_equals_ignore_case);
    }
    bounds_.emplace_back(first, steps_.size());
    groups_.push_back(std::move(group));
  }

  // Whether some text of the kind can match. One that needs other characters or another length only makes
  // states.
  bool can_match(const Steps& steps, bool caseless) const {
    const std::size_t length = steps.size() - 1;
    const bool runs = std::any_of(steps.begin(), steps.end(), [](const Step& step) { return step.runs; });
    if (domain_.length_max != 0 && length > domain_.length_max) return false;
    if (!runs && length < domain_.length_min) return false;
    return std::all_of(steps.begin(), steps.end(), [&](const Step& step) {
      return step.ends || step.any || is_allowed(step.character) ||
             (caseless && is_allowed(other_case(step.character)));
    });
  }

  void fill(Group& group) {
    const auto [first, end] = bounds_[static_cast<std::size_t>(&group - groups_.data())];
    Range& range = group.range;
    range.first_word = first / word_bits;
    range.end_word = (end + word_bits - 1) / word_bits;
    for (auto* mask : {&range.all, &range.ends, &range.for_ever})
      mask->assign(range.end_word - range.first_word, 0);
    for (std::size_t i = first; i < end; ++i) {
      const std::size_t word = i / word_bits - range.first_word;
      const Word bit = Word{1} << (i % word_bits);
      range.all[word] |= bit;
      if (steps_[i].ends) range.ends[word] |= bit;
      if (steps_[i].ends && steps_[i].runs) range.for_ever[word] |= bit;
    }
  }

  bool is_allowed(char32_t c) const {
    return domain_.alphabet.empty() ||
           (c < 0x80 && domain_.alphabet.find(static_cast<char>(c)) != std::string_view::npos);
  }

  void choose_symbols() {
    std::vector<char32_t> mentioned;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].any || steps_[i].ends) continue;
      mentioned.push_back(steps_[i].character);
      if (caseless_[i]) mentioned.push_back(other_case(steps_[i].character));
    }
    if (arn_) mentioned.push_back(U':');
    std::sort(mentioned.begin(), mentioned.end());
    mentioned.erase(std::unique(mentioned.begin(), mentioned.end()), mentioned.end());
    if (const auto other = unmentioned(mentioned)) add_symbol(*other);
    for (const char32_t c : mentioned) {
      if (is_allowed(c)) add_symbol(c);
    }
  }

  // One character stands for all that no pattern mentions: no automaton can tell them apart.
  std::optional<char32_t> unmentioned(const std::vector<char32_t>& mentioned) const {
    const auto is_free = [&](char32_t c) {
      return !std::binary_search(mentioned.begin(), mentioned.end(), c);
    };
    constexpr std::string_view readable = "xyzabcdefghijklmnopqrstuvw0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (const std::string_view choice : {readable, domain_.alphabet}) {
      for (const char c : choice) {
        const auto character = static_cast<char32_t>(static_cast<unsigned char>(c));
        if (is_allowed(character) && is_free(character)) return character;
      }
    }
    if (!domain_.alphabet.empty()) return std::nullopt;
    char32_t c = 0x21;
    while (!is_free(c)) c = c == 0xd7ff ? 0xe000 : c + 1;  // no surrogates
    return c;
  }

  void add_symbol(char32_t character) {
    Symbol symbol{character, std::vector<Word>(words_, 0), std::vector<Word>(words_, 0)};
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const Step& step = steps_[i];
      const Word bit = Word{1} << (i % word_bits);
      const bool spared = step.spares_colons && character == U':';
      const bool same =
          step.character == character || (caseless_[i] && step.character == other_case(character));
      const bool taken = !step.ends && (step.any ? !spared : same);
      if (taken) symbol.takes[i / word_bits] |= bit;
      if (step.runs && !spared) symbol.keeps[i / word_bits] |= bit;
    }
    symbols_.push_back(std::move(symbol));
  }

  TextDomain domain_;
  Steps steps_;
  std::vector<bool> caseless_;
  std::vector<std::size_t> starts_;
  std::vector<std::pair<std::size_t, std::size_t>> bounds_;  // of each group's steps
  std::vector<Group> groups_;
  std::vector<Symbol> symbols_;
  std::size_t words_ = 0;
  bool arn_ = false;
};

// ── The search ──

// States that were reached, in the order of their depth. Each is kept once: what can follow depends on the
// state alone. The depth counts up to the least length, the colons up to five.
class Reached {
 public:
  explicit Reached(std::size_t words) : words_(words), table_(64, 0) {}

  struct Node {
    std::uint32_t parent = 0;
    std::uint32_t symbol = 0;
    std::uint32_t depth = 0;
    std::uint16_t colons = 0;
    std::uint16_t counted = 0;  // the depth up to the least length
  };

  std::size_t size() const { return nodes_.size(); }
  const Node& node(std::size_t i) const { return nodes_[i]; }
  const Word* state(std::size_t i) const { return states_.data() + i * words_; }
  std::uint64_t collisions() const { return collisions_; }  // in the table, since the start

  bool insert(const Node& node, const Word* state) {
    if ((nodes_.size() + 1) * 2 > table_.size()) grow();
    const std::size_t slot = slot_of(node, state);
    if (table_[slot] != 0) return false;
    nodes_.push_back(node);
    states_.insert(states_.end(), state, state + words_);
    table_[slot] = static_cast<std::uint32_t>(nodes_.size());
    return true;
  }

 private:
  std::size_t slot_of(const Node& node, const Word* state) {
    Word hash = node.colons * 31U + node.counted;
    for (std::size_t i = 0; i < words_; ++i) {
      hash = (hash ^ state[i]) * 0x9e3779b97f4a7c15ULL;
      hash ^= hash >> 32U;  // so that every bit of the state bears on the low bits
    }
    std::size_t slot = (hash * 0xd6e8feb86659fd93ULL >> 32U) % table_.size();
    while (table_[slot] != 0 && !is_same(table_[slot] - 1, node, state)) {
      slot = (slot + 1) % table_.size();
      ++collisions_;
    }
    return slot;
  }
  bool is_same(std::size_t i, const Node& node, const Word* state) const {
    return nodes_[i].colons == node.colons && nodes_[i].counted == node.counted &&
           std::equal(state, state + words_, this->state(i));
  }
  void grow() {
    table_.assign(table_.size() * 2, 0);
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      table_[slot_of(nodes_[i], state(i))] = static_cast<std::uint32_t>(i + 1);
  }

  std::size_t words_;
  std::vector<Node> nodes_;
  std::vector<Word> states_;
  std::vector<std::uint32_t> table_;  // index and one; 0 is free
  std::uint64_t collisions_ = 0;
};

class Search {
 public:
  Search(const Automaton& automaton, WorkBudget& work)
      : automaton_(automaton), work_(work), reached_(automaton.words()), next_(automaton.words(), 0) {}

  std::optional<std::string> run() {
    automaton_.start(next_.data());
    if (automaton_.is_dead(next_.data(), 0)) return std::nullopt;
    reached_.insert({}, next_.data());
    for (std::size_t i = 0; i < reached_.size(); ++i) {
      const Reached::Node from = reached_.node(i);
      if (automaton_.domain().length_max != 0 && from.depth >= automaton_.domain().length_max)
        return std::nullopt;
      for (std::size_t s = 0; s < automaton_.symbols().size(); ++s) {
        const std::uint64_t collisions = reached_.collisions();
        if (!work_.spend(60 + 5 * automaton_.words())) return std::nullopt;
        if (step(i, from, s)) return text_to(reached_.size() - 1);
        if (!work_.spend((reached_.collisions() - collisions) * 10)) return std::nullopt;
      }
    }
    return std::nullopt;
  }

 private:
  // Whether the state that the symbol leads to is the one that is looked for.
  bool step(std::size_t from_index, const Reached::Node& from, std::size_t symbol_index) {
    const Symbol& symbol = automaton_.symbols()[symbol_index];
    automaton_.advance(reached_.state(from_index), symbol, next_.data());
    Reached::Node to;
    to.parent = static_cast<std::uint32_t>(from_index);
    to.symbol = static_cast<std::uint32_t>(symbol_index);
    to.depth = from.depth + 1;
    const bool colon = automaton_.counts_colons() && symbol.character == U':';
    to.colons =
        static_cast<std::uint16_t>(std::min<std::size_t>(from.colons + (colon ? 1U : 0U), arn_colons));
    to.counted = static_cast<std::uint16_t>(std::min<std::size_t>(to.depth, automaton_.domain().length_min));
    if (automaton_.is_dead(next_.data(), to.colons) || !reached_.insert(to, next_.data())) return false;
    return to.depth >= automaton_.domain().length_min && automaton_.accepts_end(next_.data(), to.colons);
  }

  std::string text_to(std::size_t index) const {
    std::vector<char32_t> backwards;
    for (std::size_t i = index; reached_.node(i).depth > 0; i = reached_.node(i).parent)
      backwards.push_back(automaton_.symbols()[reached_.node(i).symbol].character);
    std::string out;
    for (auto c = backwards.rbegin(); c != backwards.rend(); ++c) append_character(out, *c);
    return out;
  }

  const Automaton& automaton_;
  WorkBudget& work_;
  Reached reached_;
  std::vector<Word> next_;
};

}  // namespace

std::optional<std::string> find_text(std::span<const Literal> literals, ValueKind kind, Certainty certainty,
                                     WorkBudget& work) {
  constexpr std::uint64_t common_symbols = 80;
  std::uint64_t characters = 64, symbols = common_symbols;
  for (const Literal& literal : literals) {
    for (const std::string& value : literal.condition->values) {
      characters += value.size() + 1;
      symbols +=
          static_cast<std::uint64_t>(std::count_if(value.begin(), value.end(), [](char c) { return c < 0; }));
    }
  }
  if (!work.spend(characters * symbols)) return std::nullopt;  // a row for each symbol
  const Automaton automaton{literals, kind, certainty};
  return Search{automaton, work}.run();
}

}  // namespace deputy::policy
