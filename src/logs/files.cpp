#include "logs/files.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "core/file_descriptor.hpp"
#include "storage/directory_sync.hpp"

namespace deputy::logs {
namespace {

constexpr mode_t owner_only = 0600;  // customers' logs

Error disk_error(int error_number, std::string_view doing, const std::filesystem::path& file) {
  std::string detail{doing};
  detail.append(" ").append(file.string()).append(": ").append(std::strerror(error_number));
  if (error_number == ENOSPC || error_number == EDQUOT)
    return {ErrorKind::overloaded, "the log collector's disk is full: make room; nothing was lost",
            std::move(detail)};
  if (error_number == EEXIST) return {ErrorKind::conflict, "the file exists already", std::move(detail)};
  return {ErrorKind::internal, "the log collector's disk failed to read or write", std::move(detail)};
}

class SystemAppendFile final : public AppendFile {
 public:
  SystemAppendFile(FileDescriptor descriptor, std::filesystem::path file)
      : descriptor_(std::move(descriptor)), file_(std::move(file)) {}

  Result<void> append(std::string_view bytes) override {
    if (!write_all(descriptor_.get(), bytes)) return disk_error(errno, "write", file_);
    return success();
  }
  Result<void> sync() override {
    if (::fdatasync(descriptor_.get()) != 0) return disk_error(errno, "sync", file_);
    if (!name_is_durable_) {
      if (!storage::sync_directory_of(file_)) return disk_error(errno, "sync the folder of", file_);
      name_is_durable_ = true;
    }
    return success();
  }

 private:
  FileDescriptor descriptor_;
  std::filesystem::path file_;
  bool name_is_durable_ = false;
};

class SystemFiles final : public Files {
 public:
  Result<std::unique_ptr<AppendFile>> create(const std::filesystem::path& file) override {
    FileDescriptor descriptor{
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, owner_only)};
    if (!descriptor) return disk_error(errno, "create", file);
    // The system gives it back however the process ends: by it others learn that nobody appends here any
    // more.
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) return disk_error(errno, "lock", file);
    return std::make_unique<SystemAppendFile>(std::move(descriptor), file);
  }

  Result<std::vector<char>> read(const std::filesystem::path& file, std::uint64_t offset,
                                 std::size_t length) override {
    const FileDescriptor descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!descriptor) return disk_error(errno, "open", file);
    std::vector<char> bytes(length);
    std::size_t done = 0;
    while (done < length) {
      const ssize_t count =
          ::pread(descriptor.get(), bytes.data() + done, length - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return disk_error(errno, "read", file);
      if (count == 0)
        return Error{ErrorKind::internal, "the spool of the log collector is damaged",
                     file.string() + " is shorter than what was committed"};
      done += static_cast<std::size_t>(count);
    }
    return bytes;
  }

  Result<void> remove(const std::filesystem::path& file) override {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) return disk_error(errno, "remove", file);
    return success();
  }

  Result<bool> is_left(const std::filesystem::path& file) override {
    const FileDescriptor descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!descriptor) {
      if (errno == ENOENT) return true;
      return disk_error(errno, "open", file);
    }
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    return disk_error(errno, "lock", file);
  }

  Result<std::vector<std::string>> list(const std::filesystem::path& folder) override {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator each{folder, error}, end; !error && each != end;
         each.increment(error))
      names.push_back(each->path().filename().string());
    if (error) return disk_error(error.value(), "list", folder);
    return names;
  }
};

}  // namespace

Files& system_files() {
  static SystemFiles files;
  return files;
}

}  // namespace deputy::logs
