#pragma once

#include "connect/views.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace deputy::connect {

// The statements of an identity policy that the registry has accepted, each with the integration's reason for
// its Sid. What cannot be read as such a statement is left out: the exact document is shown beside. Pure.
std::vector<Permission> permissions_of(std::string_view policy,
                                       const std::map<std::string, std::string>& reasons);

// A JSON document, indented by two spaces, members in their order; the text as it is when it is none.
std::string indented_json(std::string_view text);

}  // namespace deputy::connect
