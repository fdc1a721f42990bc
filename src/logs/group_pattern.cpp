#include "logs/group_pattern.hpp"

#include <algorithm>

namespace deputy::logs {

// Greedy, going back to the last star alone: linear in name × stars at worst.
bool matches_group(std::string_view pattern, std::string_view name) {
  std::size_t at = 0, in_pattern = 0;
  std::size_t star = std::string_view::npos, after_star = 0;
  while (at < name.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      after_star = at;
    } else if (in_pattern < pattern.size() && pattern[in_pattern] == name[at]) {
      ++in_pattern;
      ++at;
    } else if (star != std::string_view::npos) {
      in_pattern = star + 1;
      at = ++after_star;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

bool matches_any(const std::vector<std::string>& patterns, std::string_view name) {
  return std::ranges::any_of(patterns,
                             [&](const std::string& pattern) { return matches_group(pattern, name); });
}

std::vector<std::string> group_prefixes(const std::vector<std::string>& patterns) {
  std::vector<std::string> prefixes;
  prefixes.reserve(patterns.size());
  for (const std::string& pattern : patterns) prefixes.push_back(pattern.substr(0, pattern.find('*')));
  std::ranges::sort(prefixes);
  std::vector<std::string> covering;
  for (std::string& prefix : prefixes)
    if (covering.empty() || !prefix.starts_with(covering.back())) covering.push_back(std::move(prefix));
  return covering;
}

}  // namespace deputy::logs
