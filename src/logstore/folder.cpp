#include "logstore/folder.hpp"

#include "logstore/waiting_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <set>
#include <sys/stat.h>

namespace deputy::logstore {
namespace {

constexpr mode_t owner_only = 0700;
constexpr std::size_t day_characters = 10;
constexpr int set_aside_max = 1'000;

Result<void> make_folder(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), owner_only) == 0) return sync_folder(folder.parent_path());
  if (errno == EEXIST) return success();
  const int why = errno;
  if (why == ENOSPC || why == EDQUOT)
    return Error{ErrorKind::overloaded, "the log store's disk is full: make room; nothing was lost",
                 folder.string()};
  return Error{ErrorKind::internal,
               "a folder of the log store cannot be made: let Deputy's user write the one that it is in",
               folder.string() + ": " + std::strerror(why)};
}

template <class Each>
void for_each_name(const std::filesystem::path& folder, const Each& each) {
  std::error_code code;
  for (std::filesystem::directory_iterator at{folder, code}, end; !code && at != end; at.increment(code))
    each(at->path().filename().string());
}

}  // namespace

std::filesystem::path Folder::file(const TenantId& tenant, Day day) const {
  return of(tenant) / (to_text(day) + ".db");
}
std::filesystem::path Folder::waiting(const TenantId& tenant, Day day) const {
  return of(tenant) / (to_text(day) + ".waiting");
}

Result<void> Folder::make() const {
  std::error_code ignored;
  std::filesystem::create_directories(root_.parent_path(), ignored);
  return make_folder(root_);
}
Result<void> Folder::make(const TenantId& tenant) const {
  return make_folder(of(tenant));
}

std::vector<Day> Folder::days_with(const TenantId& tenant, std::string_view ending) const {
  std::vector<Day> days;
  for_each_name(of(tenant), [&](const std::string& name) {
    if (name.size() != day_characters + ending.size() || !name.ends_with(ending)) return;
    if (const auto day = parse_day(std::string_view{name}.substr(0, day_characters))) days.push_back(*day);
  });
  std::ranges::sort(days, std::greater{});
  return days;
}
std::vector<Day> Folder::days(const TenantId& tenant) const {
  return days_with(tenant, ".db");
}
std::vector<Day> Folder::waiting_days(const TenantId& tenant) const {
  return days_with(tenant, ".waiting");
}

std::vector<TenantId> Folder::tenants() const {
  std::vector<TenantId> tenants;
  for_each_name(root_, [&](const std::string& name) {
    if (auto tenant = TenantId::parse(name)) tenants.push_back(std::move(tenant).value());
  });
  return tenants;
}

Result<std::string> Folder::free_damaged_name(const TenantId& tenant, Day day,
                                              std::string_view ending) const {
  for (int number = 1; number <= set_aside_max; ++number) {
    std::string name = fmt::format("{}.damaged-{}{}", to_text(day), number, ending);
    if (!std::filesystem::exists(of(tenant) / name)) return name;
  }
  return Error{ErrorKind::internal, "too many damaged files of one day: remove those that are not needed",
               file(tenant, day).string()};
}

Result<std::string> Folder::set_aside(const TenantId& tenant, Day day) const {
  const std::filesystem::path from = file(tenant, day);
  DEPUTY_TRY(auto name, free_damaged_name(tenant, day, ".db"));
  const std::filesystem::path to = of(tenant) / name;
  std::error_code code;
  std::filesystem::rename(from, to, code);
  if (code)
    return Error{ErrorKind::internal, "a damaged file of the log store cannot be renamed", code.message()};
  // The log belongs to the file: whoever mends it needs both.
  std::filesystem::rename(from.string() + "-wal", to.string() + "-wal", code);
  std::filesystem::remove(from.string() + "-shm", code);
  return name;
}

std::size_t Folder::remove_before(const TenantId& tenant, Day first) const {
  std::set<Day> removed;
  std::vector<std::string> names;
  for_each_name(of(tenant), [&](const std::string& name) { names.push_back(name); });
  for (const std::string& name : names) {
    const auto day = parse_day(std::string_view{name}.substr(0, day_characters));
    if (!day || *day >= first) continue;
    std::error_code code;
    std::filesystem::remove(of(tenant) / name, code);
    if (name.ends_with(".db")) removed.insert(*day);
  }
  return removed.size();
}

}  // namespace deputy::logstore
