#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/condition.hpp"
#include "policy/key_facts.hpp"
#include "policy/work_budget.hpp"

// Which values of one condition key satisfy what is asked of it? Exact where the language of the conditions
// can be searched, and erring to "perhaps" where it cannot.
namespace deputy::policy {

// How sure an answer must be. `certain` takes the engine's decisions alone: what it finds is accepted.
// `possible` lets whatever is undecidable fall either way: where it finds nothing, there is nothing.
enum class Certainty { certain, possible };

// A condition that must hold, or must fail.
struct Literal {
  const Condition* condition = nullptr;
  bool must_hold = true;
  // It had values with policy variables, which were left out and may match anything. `possible` alone.
  bool open_ended = false;
};

bool accepts(Truth truth, const Literal& literal, Certainty certainty);

// Whether the literal is satisfied by these values of its key; `values` empty: the key is absent.
bool satisfied(const Literal& literal, const ContextKey& key, Certainty certainty);

// What that costs, roughly, in units of work.
std::uint64_t cost_of(const Literal& literal, std::size_t value_length);

// Values that satisfy all literals, an empty list for absence; nothing when there are none, or when the
// budget is spent (ask it). Under `possible` the values are for going on with the search and prove nothing.
std::optional<std::vector<std::string>> find_values(std::span<const Literal> literals, const KeyFacts& facts,
                                                    Certainty certainty, WorkBudget& work);

}  // namespace deputy::policy
