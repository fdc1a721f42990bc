#pragma once

#include <string>

#include "json/reader.hpp"

namespace deputy::sandbox {

// The value as JSON text without space; numbers as they were written. REQUIRES: the depth is bounded, as
// `json::read` does.
std::string to_json_text(const json::Value& value);

}  // namespace deputy::sandbox
