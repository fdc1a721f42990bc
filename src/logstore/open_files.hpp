#pragma once

#include "logstore/day_file.hpp"
#include "logstore/folder.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <sys/types.h>

namespace deputy::logstore {

// Files that are open, those used last. Each is used by one thread at a time: taken, and given back. A file
// that was renamed, removed or replaced since is opened anew. Thread-safe.
class OpenFiles {
 public:
  OpenFiles(const Folder& folder, DayFile::Access access, std::size_t idle_max)
      : folder_(folder), access_(access), idle_max_(idle_max) {}

  class Taken {
   public:
    Taken(Taken&&) noexcept = default;
    Taken& operator=(Taken&&) = delete;
    ~Taken();
    DayFile& operator*() { return *file_; }
    DayFile* operator->() { return file_.get(); }
    // It is not kept: something about it is wrong.
    void drop() { file_.reset(); }

   private:
    friend class OpenFiles;
    Taken(OpenFiles& files, TenantId tenant, Day day, ino_t inode, std::unique_ptr<DayFile> file)
        : files_(&files), tenant_(std::move(tenant)), day_(day), inode_(inode), file_(std::move(file)) {}
    OpenFiles* files_;
    TenantId tenant_;
    Day day_;
    ino_t inode_;
    std::unique_ptr<DayFile> file_;
  };

  Result<Taken> take(const TenantId& tenant, Day day);
  void close(const TenantId& tenant);

 private:
  struct Idle {
    TenantId tenant;
    Day day;
    ino_t inode;
    std::unique_ptr<DayFile> file;
  };
  std::unique_ptr<DayFile> find(const TenantId& tenant, Day day, ino_t inode);
  void give_back(Idle idle);

  const Folder& folder_;
  const DayFile::Access access_;
  const std::size_t idle_max_;
  std::mutex mutex_;
  std::list<Idle> idle_;  // the last used first
};

}  // namespace deputy::logstore
