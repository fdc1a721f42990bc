#include "policy/pattern.hpp"

#include <algorithm>
#include <array>

namespace deputy::policy {
namespace {

struct ByteUnits {
  static bool is_run(char unit) { return unit == '*'; }
  static bool is_one(char unit) { return unit == '?'; }
  static bool same(char unit, char byte) { return unit == byte; }
};
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
struct CaselessUnits : ByteUnits {
  static bool same(char unit, char byte) { return unit == byte || lower(unit) == lower(byte); }
};
struct ResolvedUnits {
  static bool is_run(char16_t unit) { return unit == any_run; }
  static bool is_one(char16_t unit) { return unit == any_one; }
  static bool same(char16_t unit, char byte) { return unit == static_cast<unsigned char>(byte); }
};

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// `?` takes one character of UTF-8, not one byte.
std::size_t after_character(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && continues_character(text[at])) ++at;
  return at;
}

// On a mismatch only the last `*` has to give way by one: what an earlier one could take, the last can take
// as well.
template <class Units, class Pattern>
bool matches(Pattern pattern, std::string_view text) {
  constexpr std::size_t none = Pattern::npos;
  std::size_t p = 0, t = 0, after_run = none, run_end = 0;
  while (p < pattern.size() && !Units::is_run(pattern[p]) &&
         !Units::is_one(pattern[p])) {  // most patterns end here
    if (t == text.size() || !Units::same(pattern[p], text[t])) return false;
    ++p;
    ++t;
  }
  while (t < text.size()) {
    if (p < pattern.size() && Units::is_run(pattern[p])) {
      after_run = ++p;
      run_end = t;
    } else if (p < pattern.size() && Units::is_one(pattern[p]) && !continues_character(text[t])) {
      ++p;
      t = after_character(text, t);
    } else if (p < pattern.size() && !Units::is_one(pattern[p]) && Units::same(pattern[p], text[t])) {
      ++p;
      ++t;
    } else if (after_run != none) {
      p = after_run;
      t = ++run_end;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && Units::is_run(pattern[p])) ++p;
  return p == pattern.size();
}

template <class View>
bool cut_arn(View text, std::array<View, 6>& segments) {
  for (std::size_t i = 0; i < 5; ++i) {
    const std::size_t colon = text.find(':');
    if (colon == View::npos) return false;
    segments[i] = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  segments[5] = text;
  return true;
}

template <class Units, class View>
bool arn_matches_by_segment(View pattern, std::string_view text) {
  std::array<View, 6> wanted;
  std::array<std::string_view, 6> given;
  if (!cut_arn(pattern, wanted) || !cut_arn(text, given)) return false;
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (!matches<Units>(wanted[i], given[i])) return false;
  }
  return true;
}

// The variable's value, a view into the request or the policy.
std::optional<std::string_view> value_of(const VariableText::Part& part, const Request& request) {
  if (part.kind != VariableText::Kind::variable) return part.text;
  const ContextKey* key = request.find(part.text);
  if (key != nullptr && key->values.size() == 1) return key->values.front();
  if ((key == nullptr || key->values.empty()) && part.fallback) return *part.fallback;
  return std::nullopt;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
  return matches<ByteUnits>(pattern, text);
}

bool glob_matches_ignoring_case(std::string_view pattern, std::string_view text) {
  return matches<CaselessUnits>(pattern, text);
}

bool glob_matches(const ResolvedPattern& pattern, std::string_view text) {
  return matches<ResolvedUnits>(std::u16string_view{pattern}, text);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), CaselessUnits::same);
}

bool arn_matches(std::string_view pattern, std::string_view text) {
  return arn_matches_by_segment<ByteUnits>(pattern, text);
}

bool arn_matches(const ResolvedPattern& pattern, std::string_view text) {
  return arn_matches_by_segment<ResolvedUnits>(std::u16string_view{pattern}, text);
}

bool has_arn_segments(std::string_view text) {
  return std::count(text.begin(), text.end(), ':') >= 5;
}

std::optional<std::string> resolve_text(const VariableText& text, const Request& request) {
  std::string out;
  for (const VariableText::Part& part : text.parts) {
    const auto value = value_of(part, request);
    if (!value) return std::nullopt;
    out += *value;
  }
  return out;
}

std::optional<ResolvedPattern> resolve_pattern(const VariableText& text, const Request& request) {
  ResolvedPattern out;
  for (const VariableText::Part& part : text.parts) {
    const auto value = value_of(part, request);
    if (!value) return std::nullopt;
    for (const char c : *value) {
      const bool wild = part.kind == VariableText::Kind::plain && (c == '*' || c == '?');
      if (wild) {
        out += c == '*' ? any_run : any_one;
      } else {
        out += static_cast<char16_t>(static_cast<unsigned char>(c));
      }
    }
  }
  return out;
}

}  // namespace deputy::policy
