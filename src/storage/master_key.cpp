#include "storage/master_key.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <span>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "core/assert.hpp"
#include "core/file_descriptor.hpp"
#include "storage/directory_sync.hpp"

namespace deputy::storage {

namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t base64_characters = 44;
constexpr std::size_t file_bytes_max = 256;

Error text_error() {
  return Error{ErrorKind::invalid_request,
               "the master key is not 32 bytes in base64: it has 44 characters, the last of them `=`"};
}

Error file_error(const std::filesystem::path& file, std::string_view doing, int code) {
  return Error{ErrorKind::internal,
               fmt::format("cannot {} the master key file {}: {}", doing, in_backticks(file.native()),
                           std::generic_category().message(code))};
}

std::string_view without_line_end(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

MasterKey MasterKey::draw(Random& random) {
  std::string bytes(key_bytes, '\0');
  random.fill(std::as_writable_bytes(std::span{bytes}));
  return MasterKey{SecretString::take(bytes)};
}

Result<MasterKey> MasterKey::parse(std::string_view base64) {
  base64 = without_line_end(base64);
  if (base64.size() != base64_characters) return text_error();
  std::string bytes(key_bytes + 1, '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  const int code =
      sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), base64.data(),
                        base64.size(), nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL);
  const bool whole = code == 0 && size == key_bytes && end == base64.data() + base64.size();
  SecretString key{std::string_view{bytes}.substr(0, key_bytes)};
  wipe(bytes);
  if (!whole) return text_error();
  return MasterKey{std::move(key)};
}

Result<MasterKey> MasterKey::load(const std::filesystem::path& file) {
  // Without waiting: opening a pipe would otherwise last until somebody writes.
  const FileDescriptor descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!descriptor) {
    if (errno == ENOENT)
      return Error{ErrorKind::not_found,
                   fmt::format("there is no master key file {}: `deputy init` makes one, and a restored "
                               "database needs the one it was made with",
                               in_backticks(file.native()))};
    return file_error(file, "open", errno);
  }
  struct stat status{};
  if (::fstat(descriptor.get(), &status) != 0) return file_error(file, "look at", errno);
  if (!S_ISREG(status.st_mode))
    return Error{ErrorKind::invalid_request,
                 fmt::format("the master key file {} is not a regular file", in_backticks(file.native()))};
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Error{ErrorKind::invalid_request,
                 fmt::format("the master key file {} is open to others (mode {:04o}): set it to 0600",
                             in_backticks(file.native()), status.st_mode & 07777U)};
  std::string text(file_bytes_max, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(descriptor.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      wipe(text);
      return file_error(file, "read", errno);
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  auto key = parse(std::string_view{text}.substr(0, size));
  wipe(text);
  return key;
}

Result<void> MasterKey::create_file(const std::filesystem::path& file) const {
  const FileDescriptor descriptor{
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR)};
  if (!descriptor) {
    if (errno == EEXIST)
      return Error{ErrorKind::conflict,
                   fmt::format("the master key file {} exists already", in_backticks(file.native()))};
    return file_error(file, "create", errno);
  }
  std::array<char, base64_characters + 1> buffer{};
  sodium_bin2base64(buffer.data(), buffer.size(),
                    reinterpret_cast<const unsigned char*>(bytes_.reveal().data()), bytes_.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  buffer.back() = '\n';  // in place of the terminating NUL
  // The umask may only take rights away; the mode is exact so that the file can be read back.
  const bool written = ::fchmod(descriptor.get(), S_IRUSR | S_IWUSR) == 0 &&
                       write_all(descriptor.get(), {buffer.data(), buffer.size()}) &&
                       ::fsync(descriptor.get()) == 0;
  const int code = errno;
  sodium_memzero(buffer.data(), buffer.size());
  if (!written) {
    ::unlink(file.c_str());
    return file_error(file, "write", code);
  }
  if (!sync_directory_of(file)) return file_error(file, "sync the folder of", errno);
  return success();
}

SecretString MasterKey::derive(std::string_view purpose) const {
  DEPUTY_ASSERT(sodium_init() >= 0);
  std::string derived(key_bytes, '\0');
  const std::string input = "deputy key 1: " + std::string{purpose};
  const std::string_view key = bytes_.reveal();
  const int result = crypto_generichash(reinterpret_cast<unsigned char*>(derived.data()), derived.size(),
                                        reinterpret_cast<const unsigned char*>(input.data()), input.size(),
                                        reinterpret_cast<const unsigned char*>(key.data()), key.size());
  DEPUTY_ASSERT(result == 0);
  return SecretString::take(derived);
}

}  // namespace deputy::storage
