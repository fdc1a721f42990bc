#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace deputy::logs {

// The file system as the spool uses it: the seam through which tests make a disk full, broken, or gone in the
// middle of a write. Blocking; thread-safe but for a file that is being appended to.
class AppendFile {
 public:
  virtual ~AppendFile() = default;  // leaves the file: nobody appends to it again
  // All of it, or an error: then nothing is known of what lies beyond the last `sync`.
  virtual Result<void> append(std::string_view bytes) = 0;
  // What was appended is on the disk, and so is the file's name.
  virtual Result<void> sync() = 0;
};

class Files {
 public:
  virtual ~Files() = default;
  // A new file; `conflict` when there is one.
  virtual Result<std::unique_ptr<AppendFile>> create(const std::filesystem::path& file) = 0;
  // Exactly those bytes; `internal` when they are not all there.
  virtual Result<std::vector<char>> read(const std::filesystem::path& file, std::uint64_t offset,
                                         std::size_t length) = 0;
  // Success as well when it is gone already.
  virtual Result<void> remove(const std::filesystem::path& file) = 0;
  // Whether whoever created it has left it, or is gone. True as well when there is no such file.
  virtual Result<bool> is_left(const std::filesystem::path& file) = 0;
  // Names of the files in the folder.
  virtual Result<std::vector<std::string>> list(const std::filesystem::path& folder) = 0;
};

// The real one. Lives as long as the process.
Files& system_files();

}  // namespace deputy::logs
