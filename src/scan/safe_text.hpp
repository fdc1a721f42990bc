#pragma once

#include <string>
#include <string_view>

// Text from outside (customers choose the names of a fleet) made safe for where it goes.
namespace deputy::scan {

// For a terminal or a line of a report: control characters, escapes, what changes the direction of text, and
// bytes that are no UTF-8 are shown as `\x1b` or `\u{202e}`.
std::string for_terminal(std::string_view text);

// Valid UTF-8, as JSON must be: each byte that is none becomes U+FFFD.
std::string for_json(std::string_view text);

// One field of a CSV line. Besides what for_terminal does: what a spreadsheet would take for a formula (one
// of `= + - @`, or their full-width forms, is the first visible character, or the first behind a semicolon,
// which separates cells where the comma is for decimals) gets an apostrophe in front; in quotes where needed.
// https://owasp.org/www-community/attacks/CSV_Injection
std::string for_csv(std::string_view text);

}  // namespace deputy::scan
