#pragma once

#include "logstore/deadline.hpp"
#include "logstore/open_files.hpp"
#include "logstore/store.hpp"

#include <atomic>
#include <map>
#include <mutex>

#include "core/file_descriptor.hpp"

// What the parts of the store share: private to store*.cpp.
namespace deputy::logstore {

class WaitingFile;
struct Budget;

struct Store::State {
  State(Options options_, const Clock& clock_)
      : options(std::move(options_)),
        clock(clock_),
        folder(options.directory),
        writers(folder, DayFile::Access::write, options.writers_max),
        readers(folder, DayFile::Access::read, options.readers_max) {}

  // ── store_writing.cpp; under write_mutex ──
  Result<void> write(const logs::SpoolBatch& batch);
  Result<void> write_day(const TenantId& tenant, Day day, std::vector<NewRecord>& records);
  Result<void> store(const TenantId& tenant, Day day, std::vector<NewRecord>& records);
  Result<void> wait(const TenantId& tenant, Day day, const std::vector<NewRecord>& records, const Error& why);
  Result<std::uint64_t> whole_waiting(const WaitingFile& file, const TenantId& tenant, Day day);
  Result<void> store_waiting(const TenantId& tenant, Day day);
  Result<void> maintain();
  Result<std::int64_t> next_arrival();
  // The time that retention is counted from: the clock's, but never far ahead of what AWS's own times and the
  // time that passed since say. A clock that is wrong at one start must not remove everything.
  logs::EventTime believed_now();
  void note_newest(const logs::SpoolBatch& batch);
  Day first_day();  // that is kept
  void note_trouble(const TenantId& tenant, Day day, std::string what);
  void forget_trouble(const TenantId& tenant, Day day);

  // ── store_search.cpp ──
  class Search;
  Result<FoundPage> search(const SearchRequest& request);
  // ── store_arrivals.cpp ──
  struct FileMark {  // by which it is known that a file was written
    struct Part {
      std::uint64_t inode;
      std::int64_t size, seconds, nanoseconds;
      friend bool operator==(const Part&, const Part&) = default;
    };
    std::vector<Part> parts;
    std::int64_t written_at = 0;  // seconds
    friend bool operator==(const FileMark&, const FileMark&) = default;
  };
  static FileMark mark_of(const std::filesystem::path& file);
  Result<std::int64_t> last_arrival(const TenantId& tenant, Day day);
  using LastArrivals = std::vector<std::pair<Day, std::int64_t>>;
  std::optional<LastArrivals> last_arrivals_of(const SearchRequest& request, const Budget& budget,
                                               FoundPage& page);
  Result<FoundPage> arrived(const SearchRequest& request);

  const Options options;
  const Clock& clock;
  const Folder folder;
  Deadlines deadlines;
  OpenFiles writers, readers;

  std::mutex write_mutex;
  FileDescriptor alone;  // the lock by which a second writer learns of this one
  // When AWS took the newest record that was given, and when that was learnt.
  std::optional<std::pair<logs::EventTime, std::chrono::steady_clock::time_point>> newest;
  std::int64_t arrival = 0;            // the last that was given
  std::int64_t arrivals_reserved = 0;  // none beyond it is given before the file says so
  // Files of waiting pages that this process wrote, and how many bytes of whole pages are in each.
  std::map<std::pair<TenantId, Day>, std::uint64_t> waiting;

  mutable std::mutex sight_mutex;
  StoreCounts counts;
  std::map<std::pair<TenantId, Day>, std::string> troubles;
  std::map<std::pair<TenantId, Day>, std::pair<FileMark, std::int64_t>> last_arrivals;
};

}  // namespace deputy::logstore
