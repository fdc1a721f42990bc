#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "policy/comparand.hpp"
#include "policy/decision.hpp"

// Matching of texts against patterns. Two fingers, no recursion: at worst the product of the two lengths. No
// allocation: a text with policy variables is compared piece by piece, where policy and request have it.
namespace deputy::policy {

// ASCII letters without case, everything else by the byte.
bool equal_ignoring_case(std::string_view a, std::string_view b);
bool glob_matches_ignoring_case(std::string_view pattern, std::string_view text);

// Both are cut at their first five colons; each of the six segments matches by itself, so that a wildcard
// never crosses a colon of the first five. Fewer than six segments on either side never match.
bool arn_matches(std::string_view pattern, std::string_view text);
bool has_arn_segments(std::string_view text);

// A text with policy variables as it stands against one request. A view of both.
class Resolution {
 public:
  Resolution(const VariableText& text, const Request& request);

  // False when a variable cannot be resolved: its key is absent without a default, or has not exactly one
  // value. It equals and matches nothing then.
  bool resolved() const { return resolved_; }

  bool equals(std::string_view given) const;
  bool equals_ignoring_case(std::string_view given) const;
  // What comes from a variable, a default or `${*}` is never a wildcard.
  bool glob_matches(std::string_view given) const;
  bool arn_matches(std::string_view given) const;

  // The text copied together, for values that are parsed: numbers, dates, addresses, truth. Nothing when it
  // does not fit, and so cannot be one of them.
  using Buffer = std::array<char, 64>;
  std::optional<std::string_view> copy_to(Buffer& buffer) const;

 private:
  const VariableText& text_;
  const Request& request_;
  bool resolved_ = false;
};

// The same as a text of its own, for who builds requests rather than judges them: allocates.
std::optional<std::string> resolve_text(const VariableText& text, const Request& request);

}  // namespace deputy::policy
