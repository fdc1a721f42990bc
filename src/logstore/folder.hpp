#pragma once

#include "logstore/day.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/identifiers.hpp"
#include "core/result.hpp"

namespace deputy::logstore {

// The names of files: for each tenant a folder, in it for each day
//
//     2026-11-28.db              its records (and SQLite's -wal and -shm beside it)
//     2026-11-28.waiting         pages that wait for it
//     2026-11-28.damaged-1.db    one that was damaged, set aside
//     2026-11-28.damaged-1.waiting    what waited, and has more than whole pages
//
// Nothing else in the folder is looked at. Folders are made for their owner alone.
class Folder {
 public:
  explicit Folder(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path of(const TenantId& tenant) const { return root_ / tenant.text(); }
  std::filesystem::path file(const TenantId& tenant, Day day) const;
  std::filesystem::path waiting(const TenantId& tenant, Day day) const;

  Result<void> make() const;
  Result<void> make(const TenantId& tenant) const;

  // Days that have a file, the newest first. Of a tenant without a folder: none.
  std::vector<Day> days(const TenantId& tenant) const;
  std::vector<Day> waiting_days(const TenantId& tenant) const;
  std::vector<TenantId> tenants() const;

  // A name for what is damaged, with this ending, that no file has.
  Result<std::string> free_damaged_name(const TenantId& tenant, Day day, std::string_view ending) const;
  // Renames the day's file, so that another can be begun. Returns its new name.
  Result<std::string> set_aside(const TenantId& tenant, Day day) const;
  // Removes every file of days before `first`, those set aside as well. Returns how many days had a file.
  std::size_t remove_before(const TenantId& tenant, Day first) const;

 private:
  std::vector<Day> days_with(const TenantId& tenant, std::string_view ending) const;
  std::filesystem::path root_;
};

}  // namespace deputy::logstore
