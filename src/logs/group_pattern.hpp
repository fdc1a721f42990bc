#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace deputy::logs {

// Does the name of a log group match the pattern? `*` stands for any text, also none; everything else for
// itself.
bool matches_group(std::string_view pattern, std::string_view name);
bool matches_any(const std::vector<std::string>& patterns, std::string_view name);

// The literal beginnings that cover all patterns, none covering another: what DescribeLogGroups is asked for.
// One empty text when anything may match.
std::vector<std::string> group_prefixes(const std::vector<std::string>& patterns);

}  // namespace deputy::logs
