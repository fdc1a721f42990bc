#pragma once

#include <optional>
#include <string_view>

#include "http/message.hpp"

namespace deputy::console {

// The style sheet, the script and the icon, by path; nothing for any other.
std::optional<http::Response> find_asset(std::string_view path);

}  // namespace deputy::console
