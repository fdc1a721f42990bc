#pragma once

#include <string_view>
#include <utility>

namespace deputy {

// Owns a POSIX file descriptor; closes it. Moveable; an empty one holds -1.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor();

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

// Writes all of it, however many calls that takes. False with errno set when that fails. Blocks.
bool write_all(int descriptor, std::string_view text);

}  // namespace deputy
