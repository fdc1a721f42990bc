#pragma once

#include <string_view>

namespace deputy::verify {

// Does the pattern `wide` match all that the pattern `narrow` matches? Patterns are IAM's: `*` any run, `?`
// one character. True is certain; false may be wrong where the answer hangs on several wildcards together.
// Policy variables are opaque: a text that has one is covered by itself alone, or by wildcards around it.
// Time: at worst the product of the two lengths.
bool covers_action(std::string_view wide, std::string_view narrow);  // without regard to case
// By ARN segments, as IAM matches them; `*` covers everything.
bool covers_resource(std::string_view wide, std::string_view narrow);

}  // namespace deputy::verify
