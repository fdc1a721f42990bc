#pragma once

#include <span>
#include <string>
#include <vector>

#include "policy/value_search.hpp"

namespace deputy::policy {

bool is_typed(OperatorFamily family);  // numbers, dates, addresses, booleans, Base64

// Texts of which at least one behaves like any text there is, for each typed operator by itself: every
// boundary of its values, what lies just beside each, and something that is not of the type.
std::vector<std::string> candidates(std::span<const Literal> literals);

}  // namespace deputy::policy
