#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/file_descriptor.hpp"
#include "core/random.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace deputy::client {

// A folder that belongs to this user and that nobody else can look into (mode 0700), with files of the same
// kind (0600). Whatever is found otherwise (another owner, another mode, a symbolic link, not a plain file,
// a second hard link) is refused and left as it is. Files are replaced whole. Everything goes through the
// folder's own descriptor, so that nobody can put another folder in its place meanwhile. Blocking.
class PrivateFolder {
 public:
  // `base`/deputy/credentials, made where missing; `base` itself is taken as it is. `not_found`: there is no
  // place for it here; `forbidden`: what is there is not private, the message says what and what would be
  // right.
  static Result<PrivateFolder> open(const std::filesystem::path& base);

  // nullopt: there is no such file. `forbidden` as above; `invalid_request` when it is larger than a file
  // that Deputy wrote.
  Result<std::optional<SecretString>> read(const std::string& name) const;
  // The file may be removed by `sweep` from `useless_at` on.
  Result<void> replace(const std::string& name, const SecretString& content, Timestamp useless_at,
                       Random& random) const;
  void remove(const std::string& name) const;

  // Opens for writing, making it if missing: for a lock. `forbidden` as above.
  Result<FileDescriptor> open_lock(const std::string& name) const;
  // Is the open file still the one of that name?
  bool is_current(const FileDescriptor& file, const std::string& name) const;

  // Removes what is useless by `now`, and the locks that nobody holds with it; at most once in a minute,
  // whoever asks.
  void sweep(Timestamp now) const;

  const std::filesystem::path& path() const { return path_; }

 private:
  PrivateFolder(std::filesystem::path path, FileDescriptor folder)
      : path_(std::move(path)), folder_(std::move(folder)) {}
  bool swept_lately(Timestamp now) const;
  std::vector<std::string> names() const;
  void sweep_one(const std::string& name, Timestamp now) const;

  std::filesystem::path path_;
  FileDescriptor folder_;
};

// Where a user's caches are: XDG_CACHE_HOME where it is an absolute path, else HOME/.cache; nullopt without a
// home. https://specifications.freedesktop.org/basedir-spec/latest/
std::optional<std::filesystem::path> cache_home(const std::optional<std::string>& xdg_cache_home,
                                                const std::optional<std::string>& home);

}  // namespace deputy::client
