#pragma once

#include "logs/files.hpp"
#include "logs/lease.hpp"
#include "logs/record.hpp"
#include "logs/source.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace deputy::logs {

// A page and its place in the spool: places only rise, in the order in which pages were committed.
struct SpooledPage {
  std::uint64_t sequence = 0;
  RecordPage page;
};

// Pages in order. Never empty.
struct SpoolBatch {
  std::vector<SpooledPage> pages;
  std::uint64_t bytes = 0;  // of the pages as they lie in the spool
  std::uint64_t last() const { return pages.back().sequence; }
};

// Where a sink stands: it has everything up to and including `sequence`.
struct SinkCursor {
  std::string sink;
  std::uint64_t sequence = 0;
  std::string beside;       // whatever the sink wants to find again: a file and its length, say
  std::uint64_t epoch = 0;  // counts attachments: only the last one may advance
};

// What one step of collecting writes, all of it or nothing.
struct SourceCommit {
  SourceId source{};
  Lease lease;                       // that it is written under
  std::vector<char> page;            // encoded (encode_page); empty: none
  std::uint64_t events = 0;          // in it
  std::vector<RecordIdentity> seen;  // their identities
  EventTime seen_first, seen_last;   // their event times
  SourceProgress progress;           // the source's from now on
  // Identities in [begin, end) are rewritten as one, or forgotten when nothing will be read there again.
  struct Settle {
    EventTime begin, end;
    std::optional<std::vector<RecordIdentity>> keep;  // all of that stretch; nullopt: nothing is rewritten
    EventTime forget_before;
  };
  std::optional<Settle> settle;
};

struct SinkLag {
  std::string sink;
  std::uint64_t sequence = 0;
  std::uint64_t bytes_behind = 0;
};

// The collector's memory, durable: records between AWS and the sinks, and with them, in the same
// transactions, how far each source has been read, which events were seen, and who may write.
//
// Pages lie in segment files, which are only appended to; everything else lies in a SQLite file beside them
// (ADR 0013). A commit takes SQLite's write lock, looks whether the leases still hold, appends and syncs the
// pages, and commits rows that name their places: what no row names does not exist, so there is nothing to
// recover after a crash but to leave a torn tail unread. Segments are removed when all sinks have passed.
//
// Blocking: call it from a work pool. Thread-safe. Several processes may share a directory; each appends to
// segments of its own.
class Spool final : public LeaseBook {
 public:
  struct Options {
    std::filesystem::path directory;  // made when it is missing, for the owner alone
    std::uint64_t bytes_max = std::uint64_t{10} * 1024 * 1024 * 1024;
    std::uint64_t segment_bytes = std::uint64_t{64} * 1024 * 1024;
    bool in_memory_books = false;  // for tests: the SQLite part is not a file
  };
  static Result<std::unique_ptr<Spool>> open(Options options, Files& files = system_files());
  ~Spool() override;

  // ── for whoever collects ──

  // One outcome for each, in order: `conflict` for one whose lease is not the current one (field `lease`), or
  // whose progress does not go on from the one that is there (field `source`): nothing of it is written. When
  // it is, the source's revision is one more than the progress that was given has. When the outcome as a
  // whole is an error, nothing of any was written.
  Result<std::vector<Result<void>>> commit(std::span<const SourceCommit> commits);
  // For tests and tools: a page that belongs to no source.
  Result<void> append(const Origin& origin, const std::vector<Record>& records);
  // No more should be fetched until sinks have made room.
  bool full() const;
  std::uint64_t bytes() const;
  std::uint64_t bytes_max() const;

  // The source of this connection and group; made with `start` when there is none.
  Result<Source> source(const Origin& origin, const std::string& group_arn, const SourceProgress& start);
  Result<std::vector<Source>> sources(const ConnectionId& connection);
  Result<void> for_each_source(const std::function<void(const Source&)>& each);
  // Forgets, with all that was seen of them, sources whose log group AWS says is gone since before then:
  // their groups. Under the lease, as a commit.
  Result<std::vector<std::string>> forget_vanished(const ConnectionId& connection, const Region& region,
                                                   const Lease& lease, EventTime before);
  // Forgets sources that were read up to before then at most and whose connection is none of these.
  Result<void> forget_connections(const std::set<std::string>& but, EventTime before);
  // How many events with times in [begin, end) were seen, at most; a bound on what `seen` gives.
  Result<std::uint64_t> count_seen(SourceId source, EventTime begin, EventTime end);
  // Identities seen with event times in [begin, end); may give some outside.
  Result<std::vector<RecordIdentity>> seen(SourceId source, EventTime begin, EventTime end);

  Result<std::optional<Lease>> acquire(const std::string& name, const std::string& holder, Timestamp now,
                                       std::chrono::milliseconds time) override;
  Result<std::vector<Lease>> acquire_free(const std::vector<std::string>& names, const std::string& holder,
                                          Timestamp now, std::chrono::milliseconds time) override;
  Result<std::vector<std::string>> renew(const std::string& holder, Timestamp now,
                                         std::chrono::milliseconds time) override;
  Result<void> release(const std::string& holder) override;

  // ── for sinks ──

  // Takes the right to feed sinks from this directory, which one process has at a time: true when it is this
  // one's now, or was already. The system gives it back when the process ends, however it ends.
  Result<bool> take_feeding();
  // The sink's cursor; a new one begins at the oldest page that is there. Whoever attached before it with
  // this name can advance no more.
  Result<SinkCursor> attach(const std::string& sink);
  // Makes the cursors of all that have none, in one transaction: what one of them passes before another has a
  // cursor would be gone for that one.
  Result<void> attach_all(const std::vector<std::string>& sinks);
  // Pages after this place: at least one when there is any, else nullopt; no more once `bytes_max` is passed.
  Result<std::optional<SpoolBatch>> read(std::uint64_t after, std::size_t bytes_max);
  // Durable when it returns. `conflict` when another attachment was made since.
  Result<void> advance(const SinkCursor& cursor);
  // The sink holds nothing back any more: it is not configured now. Its cursor is forgotten.
  Result<void> detach(const std::string& sink);
  Result<std::vector<SinkLag>> sinks();
  // Of the last page that is committed. Cheap.
  std::uint64_t last_sequence() const;
  // Called after every commit that added pages, on whatever thread; replaces the one before. Not called any
  // more once this returned with an empty one.
  void on_commit(std::function<void()> wake);

 private:
  struct State;
  explicit Spool(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace deputy::logs
