#include "logstore/open_files.hpp"

#include <algorithm>
#include <sys/stat.h>

namespace deputy::logstore {
namespace {

// 0 when there is no such file.
ino_t inode_of(const std::filesystem::path& file) {
  struct stat about{};
  return ::stat(file.c_str(), &about) == 0 ? about.st_ino : 0;
}

}  // namespace

OpenFiles::Taken::~Taken() {
  if (file_ != nullptr) files_->give_back({std::move(tenant_), day_, inode_, std::move(file_)});
}

std::unique_ptr<DayFile> OpenFiles::find(const TenantId& tenant, Day day, ino_t inode) {
  std::list<Idle> gone;  // closed after the lock
  const std::lock_guard lock{mutex_};
  for (auto at = idle_.begin(); at != idle_.end();) {
    const auto here = at++;
    if (here->tenant != tenant || here->day != day) continue;
    if (here->inode == inode && inode != 0) {
      auto file = std::move(here->file);
      idle_.erase(here);
      return file;
    }
    gone.splice(gone.end(), idle_, here);
  }
  return nullptr;
}

Result<OpenFiles::Taken> OpenFiles::take(const TenantId& tenant, Day day) {
  const std::filesystem::path path = folder_.file(tenant, day);
  ino_t inode = inode_of(path);
  if (auto file = find(tenant, day, inode)) return Taken{*this, tenant, day, inode, std::move(file)};
  DEPUTY_TRY(auto opened, DayFile::open(path, tenant, day, access_));
  if (inode == 0) inode = inode_of(path);
  return Taken{*this, tenant, day, inode, std::move(opened)};
}

void OpenFiles::give_back(Idle idle) {
  std::list<Idle> gone;
  const std::lock_guard lock{mutex_};
  idle_.push_front(std::move(idle));
  if (idle_.size() > idle_max_) gone.splice(gone.end(), idle_, std::prev(idle_.end()));
}

void OpenFiles::close(const TenantId& tenant) {
  const std::lock_guard lock{mutex_};
  idle_.remove_if([&](const Idle& one) { return one.tenant == tenant; });
}

}  // namespace deputy::logstore
