#pragma once

#include <string>
#include <string_view>

namespace deputy {

// Text as it stands in XML and in HTML, between tags or in a quoted attribute: read back it is the same text.
// Line ends are kept; control characters that XML 1.0 cannot carry become U+FFFD.
std::string in_markup(std::string_view text);

}  // namespace deputy
