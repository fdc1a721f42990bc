#include "client/private_folder.hpp"

#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>

namespace deputy::client {
namespace {

constexpr std::size_t file_bytes_max = 64 * 1024;
constexpr std::size_t files_max = 100'000;  // looked at in one sweep
constexpr std::chrono::minutes sweep_interval{1};
constexpr std::chrono::minutes half_written{1};  // a replacement that was not finished by then never will be
constexpr const char* sweep_mark = "swept";

std::string reason(int code) {
  return std::generic_category().message(code);
}

Error not_private(const std::filesystem::path& path, std::string_view what) {
  return {ErrorKind::forbidden, fmt::format("{} {}", in_backticks(path.native()), what)};
}

Error cannot(std::string_view doing, const std::filesystem::path& path, int code) {
  return {ErrorKind::internal,
          fmt::format("cannot {} {}: {}", doing, in_backticks(path.native()), reason(code))};
}

Result<void> check_private(const struct stat& status, const std::filesystem::path& path,
                           std::string_view right_mode) {
  if (status.st_uid != ::geteuid()) return not_private(path, "belongs to another user");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return not_private(path, fmt::format("is open to other users: its mode is {:04o}, {} would be right",
                                         status.st_mode & 07777U, right_mode));
  return success();
}

Result<void> check_file(const FileDescriptor& file, const std::filesystem::path& path) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return cannot("look at", path, errno);
  if (!S_ISREG(status.st_mode)) return not_private(path, "is not a regular file");
  if (status.st_nlink > 1) return not_private(path, "has a second name elsewhere");
  return check_private(status, path, "0600");
}

Result<FileDescriptor> open_folder(int parent, const char* name, const std::filesystem::path& path) {
  if (::mkdirat(parent, name, S_IRWXU) != 0 && errno != EEXIST)
    return Error{ErrorKind::not_found,
                 fmt::format("{} cannot be made: {}", in_backticks(path.native()), reason(errno))};
  FileDescriptor folder{::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!folder) {
    if (errno == ENOTDIR || errno == ELOOP)
      return not_private(path, "is not a folder of its own, or a symbolic link");
    if (errno == EACCES) return not_private(path, "cannot be opened by this user");
    return Error{ErrorKind::not_found, cannot("open", path, errno).message};
  }
  struct stat status{};
  if (::fstat(folder.get(), &status) != 0) return cannot("look at", path, errno);
  DEPUTY_TRY(check_private(status, path, "0700"));
  return folder;
}

// The time of change says until when a file is of use: a sweep need not read any.
bool set_time(int descriptor, Timestamp time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  const std::array<timespec, 2> times{timespec{seconds, 0}, timespec{seconds, 0}};
  return ::futimens(descriptor, times.data()) == 0;
}

Timestamp time_of(const struct stat& status) {
  return Timestamp{std::chrono::seconds{status.st_mtim.tv_sec}};
}

}  // namespace

Result<PrivateFolder> PrivateFolder::open(const std::filesystem::path& base) {
  // The first use of a new home: XDG says 0700. Only the last step: further up nothing is ours to make.
  ::mkdir(base.c_str(), S_IRWXU);
  const FileDescriptor home{::open(base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!home) return Error{ErrorKind::not_found, cannot("open", base, errno).message};
  DEPUTY_TRY(const auto own, open_folder(home.get(), "deputy", base / "deputy"));
  std::filesystem::path path = base / "deputy" / "credentials";
  DEPUTY_TRY(auto folder, open_folder(own.get(), "credentials", path));
  return PrivateFolder{std::move(path), std::move(folder)};
}

Result<std::optional<SecretString>> PrivateFolder::read(const std::string& name) const {
  // Without waiting: a pipe in the file's place must not hold us up.
  const FileDescriptor file{
      ::openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!file) {
    if (errno == ENOENT) return std::optional<SecretString>{};
    if (errno == ELOOP) return not_private(path_ / name, "is a symbolic link");
    return cannot("open", path_ / name, errno);
  }
  DEPUTY_TRY(check_file(file, path_ / name));
  std::string text(file_bytes_max + 1, '\0');  // at once, so that no outgrown buffer keeps secrets
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + got, text.size() - got);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    got += static_cast<std::size_t>(count);
  }
  if (got > file_bytes_max) {
    wipe(text);
    return Error{ErrorKind::invalid_request,
                 in_backticks((path_ / name).native()) + " is not a file of Deputy's"};
  }
  SecretString content{std::string_view{text}.substr(0, got)};
  wipe(text);
  return std::optional{std::move(content)};
}

Result<void> PrivateFolder::replace(const std::string& name, const SecretString& content,
                                    Timestamp useless_at, Random& random) const {
  const std::string draft = random_base32(random, 16) + ".draft";
  const FileDescriptor file{::openat(
      folder_.get(), draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR)};
  if (!file) return cannot("write", path_ / draft, errno);
  const bool written = write_all(file.get(), content.reveal()) && set_time(file.get(), useless_at) &&
                       ::renameat(folder_.get(), draft.c_str(), folder_.get(), name.c_str()) == 0;
  const int code = errno;
  if (written) return success();
  remove(draft);
  return cannot("write", path_ / name, code);
}

void PrivateFolder::remove(const std::string& name) const {
  ::unlinkat(folder_.get(), name.c_str(), 0);
}

Result<FileDescriptor> PrivateFolder::open_lock(const std::string& name) const {
  FileDescriptor file{::openat(folder_.get(), name.c_str(),
                               O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, S_IRUSR | S_IWUSR)};
  if (!file) {
    if (errno == ELOOP) return not_private(path_ / name, "is a symbolic link");
    return cannot("open", path_ / name, errno);
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return cannot("look at", path_ / name, errno);
  if (!S_ISREG(status.st_mode)) return not_private(path_ / name, "is not a regular file");
  DEPUTY_TRY(check_private(status, path_ / name, "0600"));
  return file;
}

bool PrivateFolder::is_current(const FileDescriptor& file, const std::string& name) const {
  struct stat open_one{};
  struct stat named{};
  return ::fstat(file.get(), &open_one) == 0 &&
         ::fstatat(folder_.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

bool PrivateFolder::swept_lately(Timestamp now) const {
  struct stat status{};
  if (::fstatat(folder_.get(), sweep_mark, &status, AT_SYMLINK_NOFOLLOW) == 0 && time_of(status) <= now &&
      time_of(status) > now - sweep_interval)
    return true;
  const auto mark = open_lock(sweep_mark);
  if (mark) set_time(mark.value().get(), now);
  return false;
}

std::vector<std::string> PrivateFolder::names() const {
  std::vector<std::string> found;
  const int again = ::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing{again < 0 ? nullptr : ::fdopendir(again), &::closedir};
  if (!listing) {
    if (again >= 0) ::close(again);
    return found;
  }
  while (const dirent* entry =
             ::readdir(listing.get())) {  // NOLINT(concurrency-mt-unsafe): a listing of our own
    if (found.size() >= files_max) break;
    found.emplace_back(entry->d_name);
  }
  return found;
}

void PrivateFolder::sweep(Timestamp now) const {
  if (swept_lately(now)) return;
  for (const std::string& name : names()) sweep_one(name, now);
}

void PrivateFolder::sweep_one(const std::string& name, Timestamp now) const {
  struct stat status{};
  if (::fstatat(folder_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  const Timestamp time = time_of(status);
  if ((name.ends_with(".json") && time <= now) || (name.ends_with(".draft") && time <= now - half_written)) {
    remove(name);
  } else if (name.ends_with(".lock") && time <= now - std::chrono::hours{1}) {
    // Only whoever holds a lock may remove it; who waits for it sees that it is no longer current.
    const auto lock = open_lock(name);
    if (lock && ::flock(lock.value().get(), LOCK_EX | LOCK_NB) == 0 && is_current(lock.value(), name))
      remove(name);
  }
}

std::optional<std::filesystem::path> cache_home(const std::optional<std::string>& xdg_cache_home,
                                                const std::optional<std::string>& home) {
  if (xdg_cache_home && xdg_cache_home->starts_with('/')) return *xdg_cache_home;
  if (home && home->starts_with('/')) return std::filesystem::path{*home} / ".cache";
  return std::nullopt;
}

}  // namespace deputy::client
