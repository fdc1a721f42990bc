#include "storage/directory_sync.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "core/file_descriptor.hpp"

namespace deputy::storage {

bool sync_directory_of(const std::filesystem::path& file) {
  const std::filesystem::path folder =
      file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."};
  const FileDescriptor descriptor{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return descriptor && ::fsync(descriptor.get()) == 0;
}

}  // namespace deputy::storage
