#include "logstore/waiting_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file_descriptor.hpp"

namespace deputy::logstore {

Error store_disk_error(int number, std::string_view doing, const std::filesystem::path& file) {
  std::string detail = fmt::format("{} {}: {}", doing, file.string(), std::strerror(number));
  if (number == ENOSPC || number == EDQUOT || number == EFBIG)
    return {ErrorKind::overloaded, "the log store's disk is full: make room; nothing was lost",
            std::move(detail)};
  return {ErrorKind::internal, "the log store's disk failed to read or write", std::move(detail)};
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened || ::fsync(opened.get()) != 0) return store_disk_error(errno, "sync", folder);
  return success();
}

Result<std::vector<char>> read_whole(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::vector<char> bytes{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
  if (in.bad()) return store_disk_error(errno, "read", file);
  return bytes;
}

WaitingFile::WaitingFile(const Folder& folder, TenantId tenant, Day day)
    : folder_(folder), tenant_(std::move(tenant)), day_(day), path_(folder.waiting(tenant_, day)) {}

bool WaitingFile::exists() const {
  return ::access(path_.c_str(), F_OK) == 0;
}

Result<WaitingFile::Content> WaitingFile::read() const {
  Content content;
  if (!exists()) return content;
  DEPUTY_TRY(const auto bytes, read_whole(path_));
  content.bytes = bytes.size();
  while (bytes.size() - content.whole_bytes >= logs::page_header_bytes) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data() + content.whole_bytes + 8, sizeof length);
    if (length > bytes.size() - content.whole_bytes - logs::page_header_bytes) break;
    const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(content.whole_bytes);
    const std::size_t whole = logs::page_header_bytes + length;
    auto page = logs::decode_page({first, first + static_cast<std::ptrdiff_t>(whole)});
    if (!page) break;
    content.pages.push_back(std::move(page).value());
    content.whole_bytes += whole;
  }
  return content;
}

Result<void> WaitingFile::append(std::uint64_t whole_bytes, std::string_view pages) const {
  const bool is_new = !exists();
  const FileDescriptor opened{::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  if (!opened) return store_disk_error(errno, "open", path_);
  struct stat about{};
  if (::fstat(opened.get(), &about) != 0) return store_disk_error(errno, "look at", path_);
  const auto end = static_cast<off_t>(is_new ? 0 : whole_bytes);  // somebody took it away
  if (about.st_size < end)
    return Error{ErrorKind::internal,
                 "records that waited for a file of the log store are gone: put them back",
                 fmt::format("{} has {} of {} bytes", path_.string(), about.st_size, whole_bytes)};
  if (about.st_size > end && ::ftruncate(opened.get(), end) != 0)
    return store_disk_error(errno, "cut back", path_);
  if (!write_all(opened.get(), pages) || ::fdatasync(opened.get()) != 0) {
    const Error failed = store_disk_error(errno, "write", path_);
    // Where this fails as well, the next append cuts it.
    [[maybe_unused]] const int cut = ::ftruncate(opened.get(), end);
    return failed;
  }
  return is_new ? sync_folder(path_.parent_path()) : success();
}

Result<std::string> WaitingFile::keep_rest(std::uint64_t whole_bytes) const {
  DEPUTY_TRY(const auto bytes, read_whole(path_));
  DEPUTY_TRY(const auto name, folder_.free_damaged_name(tenant_, day_, ".waiting"));
  const std::filesystem::path file = folder_.of(tenant_) / name;
  const FileDescriptor made{::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!made) return store_disk_error(errno, "make", file);
  const std::string_view rest = std::string_view{bytes.data(), bytes.size()}.substr(whole_bytes);
  if (!write_all(made.get(), rest) || ::fdatasync(made.get()) != 0) {
    const Error failed = store_disk_error(errno, "write", file);
    ::unlink(file.c_str());
    return failed;
  }
  DEPUTY_TRY(sync_folder(file.parent_path()));
  return name;
}

Result<std::optional<std::string>> WaitingFile::finish(const Content& content) const {
  if (content.bytes == content.whole_bytes) {
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return store_disk_error(errno, "remove", path_);
    return std::optional<std::string>{};
  }
  DEPUTY_TRY(const auto name, folder_.free_damaged_name(tenant_, day_, ".waiting"));
  const std::filesystem::path to = folder_.of(tenant_) / name;
  if (::rename(path_.c_str(), to.c_str()) != 0) return store_disk_error(errno, "rename", path_);
  return std::optional{name};
}

}  // namespace deputy::logstore
