#include "verify/pattern_cover.hpp"

#include <cstddef>

#include "core/ascii.hpp"

namespace deputy::verify {
namespace {

enum class Casing { exact, ignored };

// One symbol of the wide pattern, no `*`, against one of the narrow: a `*` there stands for runs that one
// symbol cannot cover.
bool covers_symbol(char wide, char narrow, Casing casing) {
  if (narrow == '*') return false;
  if (wide == '?') return true;
  if (narrow == '?') return false;
  return casing == Casing::exact ? wide == narrow : to_lower(wide) == to_lower(narrow);
}

// The glob matcher with two fingers, over symbols instead of characters.
bool covers(std::string_view wide, std::string_view narrow, Casing casing) {
  if (wide.find("${") != std::string_view::npos) return wide == narrow;
  std::size_t at = 0, in = 0, run = std::string_view::npos, run_at = 0;
  while (at < narrow.size()) {
    if (in < wide.size() && wide[in] == '*') {
      run = in++;
      run_at = at;
    } else if (in < wide.size() && covers_symbol(wide[in], narrow[at], casing)) {
      ++in;
      ++at;
    } else if (run != std::string_view::npos) {
      in = run + 1;
      at = ++run_at;
    } else {
      return false;
    }
  }
  while (in < wide.size() && wide[in] == '*') ++in;
  return in == wide.size();
}

// What stands before the next colon; `rest` begins after it. False when there is none.
bool take_segment(std::string_view& rest, std::string_view& segment) {
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return false;
  segment = rest.substr(0, colon);
  rest.remove_prefix(colon + 1);
  return true;
}

}  // namespace

bool covers_action(std::string_view wide, std::string_view narrow) {
  return covers(wide, narrow, Casing::ignored);
}

bool covers_resource(std::string_view wide, std::string_view narrow) {
  if (wide == "*" || wide == narrow) return true;
  std::string_view wide_segment, narrow_segment;
  for (int i = 0; i < 5; ++i) {
    if (!take_segment(wide, wide_segment) || !take_segment(narrow, narrow_segment)) return false;
    if (!covers(wide_segment, narrow_segment, Casing::exact)) return false;
  }
  return covers(wide, narrow, Casing::exact);
}

}  // namespace deputy::verify
