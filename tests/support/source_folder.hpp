#pragma once

#include <string>
#include <string_view>

namespace deputy {

// The path of a file of the source tree, from `path` within it.
std::string in_source_folder(std::string_view path);

}  // namespace deputy
