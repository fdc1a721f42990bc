#pragma once

#include <filesystem>

namespace deputy::storage {

// Makes a new file's name durable: syncs the folder it is in. False with errno set when that fails.
bool sync_directory_of(const std::filesystem::path& file);

}  // namespace deputy::storage
