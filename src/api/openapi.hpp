#pragma once

#include <string_view>

namespace deputy::api {

// src/api/openapi.json, as it was when the program was built. Static storage.
std::string_view openapi_document();

}  // namespace deputy::api
