#pragma once

#include <filesystem>

namespace deputy::storage {

// Owns a POSIX file descriptor; closes it. Moveable.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

// Makes a new file's name durable: syncs the folder it is in. False with errno set when that fails.
bool sync_directory_of(const std::filesystem::path& file);

}  // namespace deputy::storage
