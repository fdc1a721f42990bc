#include "http/unix_socket.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <string_view>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace deputy::http {
namespace {

constexpr mode_t socket_mode = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP;

Error refused(const std::filesystem::path& path, std::string_view why) {
  return {ErrorKind::invalid_request,
          fmt::format("cannot listen on {}: {}", in_backticks(path.string()), why)};
}

Error failed(const std::filesystem::path& path, int code) {
  const char* reason = ::strerrordesc_np(code);
  return {ErrorKind::internal, fmt::format("cannot listen on {}: {}", in_backticks(path.string()),
                                           reason != nullptr ? reason : "unknown error")};
}

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.empty() || text.size() >= sizeof address.sun_path)
    return refused(path, fmt::format("a socket's path has 1 to {} bytes", sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

FileDescriptor make_socket() {
  return FileDescriptor{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

// The folder, locked against another process that begins here at the same time.
Result<FileDescriptor> lock_folder(const std::filesystem::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
  FileDescriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened) return refused(path, "its folder cannot be opened; make it, or choose another");
  struct stat about{};
  if (::fstat(opened.get(), &about) != 0) return failed(path, errno);
  const bool is_open_to_others = (about.st_mode & S_IWOTH) != 0 && (about.st_mode & S_ISVTX) == 0;
  if (is_open_to_others)
    return refused(path, "everybody may write to its folder, so anybody could put their own socket there");
  if (::flock(opened.get(), LOCK_EX) != 0) return failed(path, errno);
  return opened;
}

// Whether a process listens there. One whose queue is full does, too.
bool is_answered(const sockaddr_un& address) {
  const FileDescriptor probe = make_socket();
  if (!probe) return true;  // not known: not taken over
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  return errno != ECONNREFUSED && errno != ENOENT;
}

// Removes what an earlier process left behind.
Result<void> clear(const std::filesystem::path& path, const sockaddr_un& address) {
  struct stat about{};
  if (::lstat(path.c_str(), &about) != 0) {
    if (errno == ENOENT) return success();
    return failed(path, errno);
  }
  if (!S_ISSOCK(about.st_mode))
    return refused(path, "something that is no socket is there; remove it, or choose another path");
  if (is_answered(address))
    return refused(path, "another process answers there; end it, or choose another path");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed(path, errno);
  return success();
}

}  // namespace

Result<UnixSocket> UnixSocket::listen(const std::filesystem::path& path) {
  DEPUTY_TRY(const auto address, address_of(path));
  DEPUTY_TRY(const auto folder, lock_folder(path));
  DEPUTY_TRY(clear(path, address));
  UnixSocket made{make_socket(), path};
  const int descriptor = made.descriptor_.get();
  // Linux makes the file with the descriptor's mode less the umask: narrow from its first moment on.
  if (descriptor < 0 || ::fchmod(descriptor, socket_mode) != 0 ||
      ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failed(path, errno);
  struct stat about{};
  if (::lstat(path.c_str(), &about) != 0) return failed(path, errno);
  made.device_ = about.st_dev;
  made.file_ = about.st_ino;
  if (::chmod(path.c_str(), socket_mode) != 0 || ::listen(descriptor, SOMAXCONN) != 0)
    return failed(path, errno);
  return made;
}

UnixSocket::~UnixSocket() {
  struct stat about{};
  if (file_ == 0 || ::lstat(path_.c_str(), &about) != 0) return;
  if (about.st_dev == device_ && about.st_ino == file_) ::unlink(path_.c_str());
}

std::optional<std::uint32_t> peer_user_of(int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer)
    return std::nullopt;
  return peer.uid;
}

}  // namespace deputy::http
