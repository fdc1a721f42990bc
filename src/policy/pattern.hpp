#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "policy/comparand.hpp"
#include "policy/decision.hpp"

// Matching of texts against patterns. Two fingers, no recursion: at worst the product of the two lengths. No
// allocation, but for texts with policy variables.
namespace deputy::policy {

// A pattern whose variables have been replaced: a byte stands for itself, `any_run` and `any_one` are the
// wildcards.
using ResolvedPattern = std::u16string;
inline constexpr char16_t any_run = 0x100;
inline constexpr char16_t any_one = 0x101;

// ASCII letters without case, everything else by the byte.
bool equal_ignoring_case(std::string_view a, std::string_view b);
bool glob_matches_ignoring_case(std::string_view pattern, std::string_view text);
bool glob_matches(const ResolvedPattern& pattern, std::string_view text);

// Both are cut at their first five colons; each of the six segments matches by itself, so that a wildcard
// never crosses a colon of the first five. Fewer than six segments on either side never match.
bool arn_matches(std::string_view pattern, std::string_view text);
bool arn_matches(const ResolvedPattern& pattern, std::string_view text);
bool has_arn_segments(std::string_view text);

// With the variables replaced; nothing when one cannot be: its key is absent without a default, or has not
// exactly one value.
std::optional<std::string> resolve_text(const VariableText& text, const Request& request);
std::optional<ResolvedPattern> resolve_pattern(const VariableText& text, const Request& request);

}  // namespace deputy::policy
