#pragma once

#include <string>
#include <string_view>

namespace deputy::api {

// The page at /docs, made from the OpenAPI document: the operations by tag with their parameters, bodies,
// answers and a line of curl, then the objects and the codes of problems. Without scripts.
std::string docs_page(std::string_view openapi);

}  // namespace deputy::api
