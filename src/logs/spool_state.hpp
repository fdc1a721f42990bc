#pragma once

#include "logs/spool.hpp"
#include "sqlite/connection.hpp"

#include <atomic>
#include <map>
#include <mutex>

#include "core/file_descriptor.hpp"

// What the parts of the spool share: private to spool*.cpp.
namespace deputy::logs {

struct Spool::State {
  // A connection and who may use it at the moment.
  struct Books {
    std::mutex mutex;
    std::unique_ptr<sqlite::Connection> connection;
  };

  State(Options options_, Files& files_) : options(std::move(options_)), files(files_) {}

  Result<void> open();
  Result<void> make_tables(sqlite::Connection& db);
  Result<void> leave_behind_old_segments(sqlite::Connection& db);
  Books& reading() { return options.in_memory_books ? writer : reader; }

  Result<std::vector<Result<void>>> commit(std::span<const SourceCommit> commits);
  std::filesystem::path holder_file(const std::string& holder) const;
  Result<void> show_life(const std::string& holder);
  Result<void> free_leases_of_the_dead(sqlite::Connection& db, const std::string& holder,
                                       std::int64_t now_us);
  Result<bool> holds(sqlite::Connection& db, const Lease& lease);
  Result<void> write_page(sqlite::Connection& db, std::span<const char> page, std::uint64_t events);
  Result<void> roll(sqlite::Connection& db);
  void give_segment_up();
  Result<void> note_bytes(sqlite::Connection& db);
  Result<void> note_last(sqlite::Connection& db);
  Result<void> free_passed(sqlite::Connection& db);
  Result<std::vector<sqlite::Row>> passed_segments(sqlite::Connection& db);
  void wake() const;

  const Options options;
  Files& files;
  FileDescriptor alone;  // the lock by which a process learns that no other has the directory open
  // By holder of leases: the file by which others learn that this process lives. Guarded by writer.mutex
  std::map<std::string, std::unique_ptr<AppendFile>> alive;
  FileDescriptor feeding;  // the lock of whoever feeds the sinks. Guarded by writer.mutex
  Books writer, reader;

  // The segment that this process appends to. Guarded by writer.mutex.
  std::unique_ptr<AppendFile> segment;
  std::int64_t segment_id = 0;
  std::int64_t committed_segment_id = 0;
  std::uint64_t segment_length = 0;
  bool unsynced = false;

  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<std::uint64_t> last_sequence = 0;
  mutable std::mutex wake_mutex;
  std::function<void()> on_commit;
};

// Rows of sources.
std::string source_columns();  // for SELECT, as read_source expects them
Result<Source> read_source(const sqlite::Row& row);
Result<void> insert_source(sqlite::Connection& db, const Origin& origin, const std::string& group_arn,
                           const SourceProgress& start);
// False when the revision is not the one that is there: nothing was written.
Result<bool> update_progress(sqlite::Connection& db, SourceId source, const SourceProgress& progress);
Result<void> write_seen(sqlite::Connection& db, const SourceCommit& commit);

inline constexpr std::string_view holder_prefix = "holder-", holder_suffix = ".lock";

std::int64_t milliseconds_of(EventTime time);
EventTime event_time(std::int64_t milliseconds);

}  // namespace deputy::logs
