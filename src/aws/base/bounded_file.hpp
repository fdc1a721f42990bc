#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/result.hpp"

namespace deputy::aws {

// The content of a regular file; nullopt when there is none of the name. Errors (`invalid_request`, with the
// path): it cannot be read, is something else (a folder, a pipe that nobody writes to, a device without end),
// or is larger than `bytes_max`. Blocks: for the pool. The content may be secret: wipe it.
Result<std::optional<std::string>> read_bounded_file(const std::string& path, std::size_t bytes_max);

}  // namespace deputy::aws
