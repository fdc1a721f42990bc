#include "aws/base/bounded_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file_descriptor.hpp"
#include "core/secret.hpp"

namespace deputy::aws {
namespace {

Error unreadable(const std::string& path) {
  return {ErrorKind::invalid_request, in_backticks(path) + " cannot be read; check its owner and mode"};
}

}  // namespace

Result<std::optional<std::string>> read_bounded_file(const std::string& path, std::size_t bytes_max) {
  // Without waiting: opening a pipe would otherwise last until somebody writes.
  const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::optional<std::string>{};
  struct stat about{};
  if (!file || ::fstat(file.get(), &about) != 0) return unreadable(path);
  if (!S_ISREG(about.st_mode))
    return Error{ErrorKind::invalid_request, in_backticks(path) + " is no regular file"};
  std::string text(bytes_max + 1, '\0');  // at once, so that no outgrown buffer keeps secrets
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      wipe(text);
      return unreadable(path);
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > bytes_max) {
    wipe(text);
    return Error{ErrorKind::invalid_request,
                 in_backticks(path) + " is larger than " + std::to_string(bytes_max) + " bytes"};
  }
  text.resize(size);
  return std::optional{std::move(text)};
}

}  // namespace deputy::aws
