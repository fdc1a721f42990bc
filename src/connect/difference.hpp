#pragma once

#include "connect/views.hpp"

#include <string_view>
#include <vector>

namespace deputy::connect {

// Line by line, the fewest removed and added lines that lead from one text to the other. Texts of more than
// 2,000 lines that differ are shown as removed and added whole: time and memory stay bounded. Pure.
std::vector<DiffLine> difference_of(std::string_view before, std::string_view after);

}  // namespace deputy::connect
