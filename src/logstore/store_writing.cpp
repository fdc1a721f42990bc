#include "logstore/store_state.hpp"
#include "logstore/waiting_file.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <unistd.h>

namespace deputy::logstore {
namespace {

constexpr std::int64_t arrivals_at_once = 1'000'000;
constexpr std::uint64_t waiting_bytes_max = std::uint64_t{256} * 1024 * 1024;
// AWS takes events two hours ahead of its time; what is further ahead has a wrong clock.
constexpr std::chrono::days ahead_max{2};

// Another file in the place of this one, durably.
Result<void> replace_durably(const std::filesystem::path& file, std::string_view bytes) {
  const std::filesystem::path next = file.string() + ".next";
  const FileDescriptor opened{::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!opened) return store_disk_error(errno, "open", next);
  if (!write_all(opened.get(), bytes) || ::fdatasync(opened.get()) != 0)
    return store_disk_error(errno, "write", next);
  if (::rename(next.c_str(), file.c_str()) != 0) return store_disk_error(errno, "rename", next);
  return sync_folder(file.parent_path());
}

}  // namespace

logs::EventTime Store::State::believed_now() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(clock.now());
  if (!newest) {  // of a store that was written before: the end of its last day
    std::optional<Day> last;
    for (const TenantId& tenant : folder.tenants())
      for (const Day day : folder.days(tenant)) last = std::max(last.value_or(day), day);
    if (!last) return now;
    newest.emplace(logs::EventTime{*last + std::chrono::days{1}}, clock.steady_now());
  }
  const auto since = std::chrono::floor<std::chrono::milliseconds>(clock.steady_now() - newest->second);
  return std::min(now, newest->first + since + ahead_max);
}

void Store::State::note_newest(const logs::SpoolBatch& batch) {
  for (const logs::SpooledPage& spooled : batch.pages)
    for (const logs::Record& record : spooled.page.records)
      if (!newest || record.ingested > newest->first) newest.emplace(record.ingested, clock.steady_now());
}

Day Store::State::first_day() {
  return std::chrono::floor<std::chrono::days>(believed_now() - options.retention);
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
  DEPUTY_TRY(replace_durably(file, fmt::to_string(reserved)));
  arrivals_reserved = reserved;
  return ++arrival;
}

Result<void> Store::State::write(const logs::SpoolBatch& batch) {
  std::map<std::pair<TenantId, Day>, std::vector<NewRecord>> days;
  note_newest(batch);
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
  const WaitingFile file{folder, tenant, day};
  DEPUTY_TRY(const std::uint64_t before, whole_waiting(file, tenant, day));
  if (before > waiting_bytes_max) return why;
  std::vector<char> bytes;
  for (std::size_t begin = 0; begin < records.size();) {
    const logs::Origin& origin = *records[begin].origin;
    std::vector<logs::Record> of_one;
    for (; begin < records.size() && records[begin].origin == &origin; ++begin)
      of_one.push_back(*records[begin].record);
    logs::encode_page(origin, of_one, bytes);
  }
  DEPUTY_TRY(file.append(before, {bytes.data(), bytes.size()}));
  waiting[{tenant, day}] = before + bytes.size();
  note_trouble(tenant, day, why.message + "; new records wait in a file beside it, and are not searched");
  const std::lock_guard lock{sight_mutex};
  counts.waiting_bytes += bytes.size();
  return success();
}

// How many bytes of whole pages wait already. Of a file that another process left all of it is read once;
// what lies behind its whole pages may be more than a page that was cut short, and is copied before it is
// cut.
Result<std::uint64_t> Store::State::whole_waiting(const WaitingFile& file, const TenantId& tenant, Day day) {
  if (const auto known = waiting.find({tenant, day}); known != waiting.end()) return known->second;
  DEPUTY_TRY(const auto content, file.read());
  if (content.bytes == content.whole_bytes) return content.whole_bytes;
  DEPUTY_TRY(const auto kept, file.keep_rest(content.whole_bytes));
  const std::lock_guard lock{sight_mutex};
  ++counts.set_aside;
  return content.whole_bytes;
}

Result<void> Store::State::store_waiting(const TenantId& tenant, Day day) {
  const WaitingFile file{folder, tenant, day};
  if (!file.exists()) return success();
  DEPUTY_TRY(const auto content, file.read());
  for (const logs::RecordPage& page : content.pages) {
    if (page.origin.tenant != tenant) continue;  // never another's, whoever put it there
    std::vector<NewRecord> records;
    for (const logs::Record& record : page.records) {
      if (day_of(record.timestamp) == day) records.push_back({&page.origin, &record});
    }
    if (records.empty()) continue;
    DEPUTY_TRY(store(tenant, day, records));
  }
  DEPUTY_TRY(const auto kept, file.finish(content));
  waiting.erase({tenant, day});
  {
    const std::lock_guard lock{sight_mutex};
    counts.waiting_bytes -= std::min<std::uint64_t>(counts.waiting_bytes, content.bytes);
    counts.set_aside += kept ? 1 : 0;
  }
  if (!kept) {
    forget_trouble(tenant, day);
  } else {
    note_trouble(tenant, day,
                 fmt::format("of the records that waited not all could be read: the rest is in `{}`", *kept));
  }
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
