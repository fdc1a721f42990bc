// Patterns and texts: the matcher without backtracking agrees with one that walks the set of all places; the
// search for a text that matches these patterns and not those finds one that does, or there is none.
#include "policy_spec/values.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/assert.hpp"
#include "policy/glob_search.hpp"
#include "policy/pattern.hpp"
#include "policy/trust_callers.hpp"

namespace deputy {
namespace {

using namespace policy;

// Bytes as characters: of the Latin ones, or of few, so that they meet often.
std::string text_of(const std::string& bytes, bool few) {
  static constexpr std::array<const char*, 12> some{"a", "b",        "A",  "*", "?", ":",
                                                    "/", "\xc3\xa9", "\n", "a", "*", "0"};
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (few) {
      out += some.at(byte % some.size());
    } else if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0U | (byte >> 6U));
      out += static_cast<char>(0x80U | (byte & 0x3fU));
    }
  }
  return out;
}

policy_spec::Pattern pattern_of(const std::string& text) {
  policy_spec::Pattern out;
  for (const std::string& character : policy_spec::characters_of(text)) out.push_back({character, true});
  return out;
}

void compare(const std::string& pattern, const std::string& text) {
  const auto characters = policy_spec::characters_of(text);
  DEPUTY_ASSERT(glob_matches(pattern, text) == policy_spec::stands_for(pattern_of(pattern), characters));
  DEPUTY_ASSERT(glob_matches_ignoring_case(pattern, text) ==
                policy_spec::stands_for(pattern_of(policy_spec::lower(pattern)),
                                        policy_spec::characters_of(policy_spec::lower(text))));
  if (policy_spec::is_arn(text) && policy_spec::is_arn(pattern)) {
    DEPUTY_ASSERT(has_arn_segments(text));
    DEPUTY_ASSERT(arn_matches(pattern, text) == policy_spec::stands_for_arn(pattern_of(pattern), text));
  }
}

struct Wanted {
  std::vector<Condition> conditions;
  std::vector<Literal> literals;
};

void search(const Wanted& wanted, ValueKind kind, const std::string& text) {
  const auto all_hold = [&](const std::string& value) {
    for (const Literal& literal : wanted.literals) {
      if (!satisfied(literal, {"k", {value}}, Certainty::certain)) return false;
    }
    return true;
  };
  WorkBudget work{300'000};
  const auto found = find_text(wanted.literals, kind, Certainty::certain, work);
  if (found) {
    DEPUTY_ASSERT(admits(kind, *found) && !found->empty() && all_hold(*found));
  } else if (!work.exhausted() && !text.empty() && admits(kind, text)) {
    DEPUTY_ASSERT(!all_hold(text));
  }
}

}  // namespace
}  // namespace deputy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deputy;
  if (size < 2 || size > 1'024) return 0;
  const unsigned flags = data[0];
  // Parts end with the byte 0: a text, then patterns.
  std::vector<std::string> parts{{}};
  for (std::size_t i = 1; i < size; ++i) {
    if (data[i] == 0 && parts.size() < 5) {
      parts.emplace_back();
    } else {
      parts.back() += static_cast<char>(data[i]);
    }
  }
  for (std::string& part : parts) part = text_of(part, (flags & 1U) != 0);
  Wanted wanted;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    compare(parts[i], parts[0]);
    const bool like = ((flags >> i) & 1U) == 0;
    wanted.conditions.push_back(policy::make_condition(
        "k", like ? policy::Matching::like : policy::Matching::equals, (i & 1U) == 0, {parts[i]}));
    if (!like && (i & 1U) == 0)
      wanted.conditions.back().condition_operator.family = policy::OperatorFamily::string_equals_ignore_case;
  }
  for (const policy::Condition& condition : wanted.conditions)
    wanted.literals.push_back({&condition, (flags & 0x20U) == 0, false});
  search(wanted, policy::ValueKind::text, parts[0]);
  search(wanted, policy::ValueKind::external_id, parts[0]);
  search(wanted, policy::ValueKind::account, parts[0]);
  return 0;
}
