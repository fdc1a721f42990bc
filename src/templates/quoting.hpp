#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Text for one format each. Pure; linear; never fail: whatever bytes come in, what comes out is one
// well-formed token of the format.
namespace deputy::templates {

// ── What people wrote (names, descriptions, reasons), made fit to be shown
// ──────────────────────────────────────────────────────────

// One line of valid UTF-8: bytes that are not UTF-8 become U+FFFD; control characters and line separators a
// space; characters that are invisible or turn the direction of writing are dropped. `{{`, `${` and `%{` are
// broken by a space: CloudFormation would read
// `{{resolve:secretsmanager:…}}` as a request for one of the customer's secrets
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html), and linters take
// the others for mistakes. At most `bytes_max` bytes, cut between characters.
std::string readable(std::string_view text, std::size_t bytes_max);

// `readable`, and every character beyond Latin-1 as `?`: what IAM takes in a role's description, 1,000
// characters at most. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
std::string role_description_text(std::string_view text);

// Letters, digits, space and `_.:/=+-@`; everything else as `_`; 256 characters at most: what IAM takes as
// the value of a tag. https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html
std::string tag_value(std::string_view text);

// ── Tokens
// ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

// A double-quoted scalar of YAML 1.1 and 1.2.
std::string yaml_quoted(std::string_view text);

// A double-quoted string of HCL without any interpolation; `${` and `%{` are doubled. Bytes must be UTF-8,
// others become U+FFFD.
std::string hcl_quoted(std::string_view text);
// The inside of such a string, for strings that hold an interpolation of the template's own.
std::string hcl_escaped(std::string_view text);

// A word of a POSIX shell in single quotes. NUL, which no argument can hold, is dropped.
std::string shell_quoted(std::string_view text);

// Percent-encoded but for the unreserved characters of RFC 3986.
std::string url_encoded(std::string_view text);

// A regular expression that matches `text` alone; understood alike by Java (CloudFormation), RE2 (Terraform)
// and Python.
std::string regex_exactly(std::string_view text);

}  // namespace deputy::templates
