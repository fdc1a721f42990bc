#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <sys/types.h>
#include <utility>

#include "core/file_descriptor.hpp"
#include "core/result.hpp"

namespace deputy::http {

// A listening Unix socket at a path: for processes on this machine that the path's permissions let in, known
// by their user. unix(7).
//
// The path appears with mode 0660 whatever the umask, never wider. What is there already is taken over only
// if it is a socket at which nobody answers; two processes that begin at the same time do not take each
// other's. Refused: a path that is too long (107 bytes), and a folder in which others could put their own
// socket in its place.
class UnixSocket {
 public:
  // Binds and listens. The message names the path and says what would be right.
  static Result<UnixSocket> listen(const std::filesystem::path& path);
  UnixSocket(UnixSocket&& other) noexcept
      : descriptor_(std::move(other.descriptor_)),
        path_(std::move(other.path_)),
        device_(other.device_),
        file_(std::exchange(other.file_, 0)) {}
  UnixSocket& operator=(UnixSocket&& other) noexcept = delete;
  // Removes the path if it is still this socket's.
  ~UnixSocket();

  // The listening descriptor, once; non-blocking.
  FileDescriptor take() { return std::move(descriptor_); }

 private:
  UnixSocket(FileDescriptor descriptor, std::filesystem::path path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  FileDescriptor descriptor_;
  std::filesystem::path path_;
  dev_t device_ = 0;
  ino_t file_ = 0;
};

// The user of the process that made the connection, as the kernel recorded it then (SO_PEERCRED).
std::optional<std::uint32_t> peer_user_of(int connection);

}  // namespace deputy::http
