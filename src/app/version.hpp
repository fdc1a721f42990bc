#pragma once

#include <string_view>

namespace deputy::app {

inline constexpr std::string_view version = DEPUTY_VERSION;

}  // namespace deputy::app
