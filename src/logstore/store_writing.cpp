#include "logstore/store_state.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

namespace deputy::logstore {
namespace {

constexpr std::int64_t arrivals_at_once = 1'000'000;
constexpr std::uint64_t waiting_bytes_max = std::uint64_t{256} * 1024 * 1024;
// AWS takes events two hours ahead of its time; what is further ahead has a wrong clock.
constexpr std::chrono::days ahead_max{2};

Error disk_error(int number, std::string_view doing, const std::filesystem::path& file) {
  std::string detail = fmt::format("{} {}: {}", doing, file.string(), std::strerror(number));
  if (number == ENOSPC || number == EDQUOT || number == EFBIG)
    return {ErrorKind::overloaded, "the log store's disk is full: make room; nothing was lost",
            std::move(detail)};
  return {ErrorKind::internal, "the log store's disk failed to read or write", std::move(detail)};
}

Result<void> write_durably(const std::filesystem::path& file, std::string_view bytes, int flags) {
  const FileDescriptor opened{::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600)};
  if (!opened) return disk_error(errno, "open", file);
  if (!write_all(opened.get(), bytes) || ::fdatasync(opened.get()) != 0)
    return disk_error(errno, "write", file);
  return success();
}

Result<std::vector<char>> read_whole(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::vector<char> bytes{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
  if (in.bad()) return disk_error(errno, "read", file);
  return bytes;
}

// Whole pages from the front. What is left behind is a page that was never acknowledged: a crash cut it off.
std::vector<logs::RecordPage> pages_in(const std::vector<char>& bytes) {
  std::vector<logs::RecordPage> pages;
  for (std::size_t begin = 0; bytes.size() - begin >= logs::page_header_bytes;) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data() + begin + 8, sizeof length);
    if (length > bytes.size() - begin - logs::page_header_bytes) break;
    const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(begin);
    const std::size_t whole = logs::page_header_bytes + length;
    auto page = logs::decode_page({first, first + static_cast<std::ptrdiff_t>(whole)});
    if (!page) break;
    pages.push_back(std::move(page).value());
    begin += whole;
  }
  return pages;
}

}  // namespace

Day Store::State::first_day() const {
  return std::chrono::floor<std::chrono::days>(clock.now() - options.retention);
}

void Store::State::note_trouble(const TenantId& tenant, Day day, std::string what) {
  {
    const std::lock_guard lock{sight_mutex};
    std::string& known = troubles[{tenant, day}];
    if (known == what) return;
    known = what;
  }
  if (options.on_trouble) options.on_trouble({tenant.text(), to_text(day), std::move(what)});
}
void Store::State::forget_trouble(const TenantId& tenant, Day day) {
  const std::lock_guard lock{sight_mutex};
  troubles.erase({tenant, day});
}

// Numbers rise over crashes and restarts: before any of a thousand thousands is given, the file says that all
// are.
Result<std::int64_t> Store::State::next_arrival() {
  if (arrival < arrivals_reserved) return ++arrival;
  const std::filesystem::path file = folder.root() / "arrivals";
  if (arrivals_reserved == 0) {
    DEPUTY_TRY(const auto text, read_whole(file));
    std::from_chars(text.data(), text.data() + text.size(), arrivals_reserved);
    arrival = arrivals_reserved;
  }
  const std::int64_t reserved = arrivals_reserved + arrivals_at_once;
  const std::filesystem::path next = folder.root() / "arrivals.next";
  DEPUTY_TRY(write_durably(next, fmt::to_string(reserved), O_TRUNC));
  if (::rename(next.c_str(), file.c_str()) != 0) return disk_error(errno, "rename", next);
  arrivals_reserved = reserved;
  return ++arrival;
}

Result<void> Store::State::write(const logs::SpoolBatch& batch) {
  std::map<std::pair<TenantId, Day>, std::vector<NewRecord>> days;
  const Day first = first_day();
  const Day last = std::chrono::floor<std::chrono::days>(clock.now()) + ahead_max;
  std::uint64_t out_of_range = 0;
  for (const logs::SpooledPage& spooled : batch.pages) {
    const logs::Origin& origin = spooled.page.origin;
    std::vector<NewRecord>* records = nullptr;
    Day day{};
    for (const logs::Record& record : spooled.page.records) {
      const Day of = day_of(record.timestamp);
      if (of < first || of > last) {
        ++out_of_range;
        continue;
      }
      if (records == nullptr || of != day) {
        day = of;
        records = &days[{origin.tenant, day}];
      }
      records->push_back({&origin, &record});
    }
  }
  for (auto& [where, records] : days) {
    DEPUTY_TRY(write_day(where.first, where.second, records));
  }
  const std::lock_guard lock{sight_mutex};
  counts.out_of_range += out_of_range;
  return success();
}

Result<void> Store::State::write_day(const TenantId& tenant, Day day, std::vector<NewRecord>& records) {
  DEPUTY_TRY(folder.make(tenant));
  auto stored = store(tenant, day, records);
  if (stored) {
    forget_trouble(tenant, day);
    return store_waiting(tenant, day);
  }
  const Error& error = stored.error();
  if (sqlite::is_locked(error)) return wait(tenant, day, records, error);
  // A file of another tenant or day is as good as damaged: nothing is written into it.
  if (!sqlite::is_damage(error) && error.kind != ErrorKind::conflict) return error;
  writers.close(tenant);
  DEPUTY_TRY(const auto name, folder.set_aside(tenant, day));
  {
    const std::lock_guard lock{sight_mutex};
    ++counts.set_aside;
  }
  DEPUTY_TRY(store(tenant, day, records));
  note_trouble(tenant, day,
               fmt::format("the file was damaged and is set aside as `{}`; it is not searched", name));
  return success();
}

Result<void> Store::State::store(const TenantId& tenant, Day day, std::vector<NewRecord>& records) {
  DEPUTY_TRY(auto file, writers.take(tenant, day));
  DEPUTY_TRY(const auto number, next_arrival());
  const auto stored = file->store(records, number);
  if (!stored) {
    file.drop();
    return stored.error();
  }
  const std::lock_guard lock{sight_mutex};
  counts.records += stored.value().records;
  counts.known += stored.value().known;
  return success();
}

Result<void> Store::State::wait(const TenantId& tenant, Day day, const std::vector<NewRecord>& records,
                                const Error& why) {
  const std::filesystem::path file = folder.waiting(tenant, day);
  std::error_code none;
  const std::uintmax_t before =
      std::filesystem::exists(file, none) ? std::filesystem::file_size(file, none) : 0;
  if (before > waiting_bytes_max) return why;
  std::vector<char> bytes;
  for (std::size_t begin = 0; begin < records.size();) {
    const logs::Origin& origin = *records[begin].origin;
    std::vector<logs::Record> of_one;
    for (; begin < records.size() && records[begin].origin == &origin; ++begin)
      of_one.push_back(*records[begin].record);
    logs::encode_page(origin, of_one, bytes);
  }
  DEPUTY_TRY(write_durably(file, {bytes.data(), bytes.size()}, O_APPEND));
  note_trouble(tenant, day, why.message + "; new records wait in a file beside it, and are not searched");
  const std::lock_guard lock{sight_mutex};
  counts.waiting_bytes += bytes.size();
  return success();
}

Result<void> Store::State::store_waiting(const TenantId& tenant, Day day) {
  const std::filesystem::path path = folder.waiting(tenant, day);
  if (::access(path.c_str(), F_OK) != 0) return success();
  DEPUTY_TRY(const auto bytes, read_whole(path));
  for (const logs::RecordPage& page : pages_in(bytes)) {
    if (page.origin.tenant != tenant) continue;  // never another's, whoever put it there
    std::vector<NewRecord> records;
    for (const logs::Record& record : page.records) {
      if (day_of(record.timestamp) == day) records.push_back({&page.origin, &record});
    }
    if (records.empty()) continue;
    DEPUTY_TRY(store(tenant, day, records));
  }
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  forget_trouble(tenant, day);
  const std::lock_guard lock{sight_mutex};
  counts.waiting_bytes -= std::min<std::uint64_t>(counts.waiting_bytes, bytes.size());
  return success();
}

Result<void> Store::State::maintain() {
  const Day first = first_day();
  for (const TenantId& tenant : folder.tenants()) {
    if (folder.remove_before(tenant, first) > 0) {
      writers.close(tenant);
      readers.close(tenant);
    }
    for (const Day day : folder.waiting_days(tenant)) {
      const auto stored = store_waiting(tenant, day);
      if (!stored) note_trouble(tenant, day, stored.error().message);
    }
  }
  const std::lock_guard lock{sight_mutex};
  std::erase_if(troubles, [&](const auto& one) { return one.first.second < first; });
  return success();
}

}  // namespace deputy::logstore
