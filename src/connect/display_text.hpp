#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/clock.hpp"

// Hostile text made fit to be shown. What comes out is well-formed UTF-8; it is not escaped for HTML, that is
// the templates' part. Pure.
namespace deputy::connect {

// Of people's text, how much a line of the page shows before it is cut, and how much can be unfolded. In code
// points.
inline constexpr std::size_t shown_max = 120;
inline constexpr std::size_t unfolded_max = 4000;

// One line: control characters, line breaks and what cannot be seen but changes what is (marks that turn the
// writing direction, tags, byte order marks) become single spaces or vanish; broken UTF-8 becomes U+FFFD. Cut
// to `length_max` code points, with an ellipsis as the last of them.
std::string one_line(std::string_view text, std::size_t length_max = unfolded_max);
bool is_longer(std::string_view text, std::size_t length_max);

// Text to be pasted, whole, lines and tabs kept. What one_line takes out stands as `\uXXXX` here, as JSON and
// most languages write it: nothing is hidden and nothing lost.
std::string exact(std::string_view text);

// A message of the checks as a sentence: first letter large, a full stop at its end.
std::string sentence(std::string_view text);

// `28 Nov 2026, 00:14 UTC`
std::string date_text(Timestamp time);
// `1 hour`, `90 minutes`, `12 hours`
std::string duration_text(std::chrono::seconds duration);

}  // namespace deputy::connect
