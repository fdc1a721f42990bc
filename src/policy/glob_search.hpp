#pragma once

#include <optional>
#include <span>
#include <string>

#include "policy/value_search.hpp"

namespace deputy::policy {

// The shortest text of the kind that satisfies all literals, whose conditions compare as strings or ARNs and
// have no policy variables; nothing when there is none, or when the budget is spent. Every pattern is an
// automaton that reads the text from the left; the search goes through the states of all together, breadth
// first, over the characters that the patterns mention and one that stands for all others. No set qualifiers:
// a literal is about one value.
std::optional<std::string> find_text(std::span<const Literal> literals, ValueKind kind, Certainty certainty,
                                     WorkBudget& work);

}  // namespace deputy::policy
