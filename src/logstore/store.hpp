#pragma once

#include "logs/spool.hpp"
#include "logstore/day.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/identifiers.hpp"
#include "core/result.hpp"

namespace deputy::logstore {

// A record that was found. Its texts are any bytes: whoever shows them makes them safe.
struct FoundRecord {
  logs::EventTime timestamp, ingested;
  std::string connection, account, region, group, stream, event_id, message;
};

// A day that could not be searched, and why: its file is damaged, locked, or of a newer version.
struct DayTrouble {
  std::string tenant;
  std::string day;
  std::string what;
};

struct SearchRequest {
  TenantId tenant;
  std::string query;
  std::optional<logs::EventTime> from;  // inclusive
  std::optional<logs::EventTime> to;    // exclusive
  std::string cursor;                   // of the page before; empty: the first
  std::size_t limit = 50;
  // Records of other connections than these are not found. For workloads, whose grants name them.
  std::optional<std::vector<ConnectionId>> connections;
};

struct FoundPage {
  std::vector<FoundRecord> items;
  // Goes on after the last item, or where the work on this page was cut off. nullopt: nothing is left.
  std::optional<std::string> next_cursor;
  bool cut_off = false;  // the limits on cost ended the page before it was full
  std::vector<DayTrouble> not_searched;
};

// What one page may cost.
struct SearchLimits {
  std::chrono::milliseconds time{2'000};
  std::size_t records_max = 500'000;                     // looked at
  std::size_t bytes_max = std::size_t{4} * 1024 * 1024;  // of messages, but for the first
};

struct StoreCounts {
  std::uint64_t records = 0;
  std::uint64_t known = 0;          // given again, and there already
  std::uint64_t out_of_range = 0;   // older than the retention, or days ahead: not kept
  std::uint64_t set_aside = 0;      // damaged files, renamed and begun anew
  std::uint64_t waiting_bytes = 0;  // durable beside files that are locked
};

// Collected logs, searchable: a folder for each tenant, a SQLite file for each of its days (of event time,
// UTC), a record once. Retention removes files. Blocking: call it from a work pool. Thread-safe.
//
// One process writes (a lock says so); any number may read.
class Store {
 public:
  struct Options {
    std::filesystem::path directory;  // made when missing, for its owner alone
    std::chrono::milliseconds retention = std::chrono::days{30};
    std::size_t writers_max = 16;  // files that are kept open
    std::size_t readers_max = 64;
    SearchLimits limits;
    // Told when a file is set aside, or records begin to wait for one; on the writer's thread.
    std::function<void(const DayTrouble&)> on_trouble = {};
  };
  Store(Options options, const Clock& clock);
  ~Store();

  // ── for the sink ──

  // Takes the right to write. `conflict` when another process has it.
  Result<void> begin_writing();
  // Durable when it returns. A file that is damaged is set aside and begun anew; for one that another program
  // holds locked the records wait, durable, beside it. An error: not all is stored, give it again.
  Result<void> write(const logs::SpoolBatch& batch);
  // Removes what is past retention, and stores what waited. Now and then.
  Result<void> maintain();

  // ── for whoever looks ──

  // Newest first. `invalid_request` for a query or cursor that is none, and for a query that costs too much.
  Result<FoundPage> search(const SearchRequest& request);
  // In the order of arrival, after `cursor`; without one nothing, and where to begin. There is always a next
  // cursor.
  Result<FoundPage> arrived(const SearchRequest& request);

  StoreCounts counts() const;
  // As of the last write or maintenance: files that are set aside or wait.
  std::vector<DayTrouble> troubles() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::logstore
