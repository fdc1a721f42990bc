#pragma once

#include "logs/record.hpp"
#include "logstore/day.hpp"
#include "logstore/match.hpp"
#include "logstore/query.hpp"
#include "sqlite/connection.hpp"
#include "sqlite/statement.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

// One tenant's records of one day, in a SQLite file of their own (docs/adr: a file per tenant and day). The
// file says whose and which day's it is, and is refused under any other name.
namespace deputy::logstore {

// A record as the file has it. Views are valid until the next one is read.
struct StoredRecord {
  Key key = 0;
  std::int64_t source = 0;
  std::int64_t stream = 0;
  logs::EventTime timestamp;
  logs::EventTime ingested;
  std::string_view event_id;
  std::string_view message;
};

struct StoredSource {
  std::string connection, account, region, group;
};

// What is to be stored: a record and where it is from. Both outlive the call.
struct NewRecord {
  const logs::Origin* origin = nullptr;
  const logs::Record* record = nullptr;
  std::size_t order = 0;  // store's own
};

// Not thread-safe. Blocks.
class DayFile {
 public:
  enum class Access { read, write };
  // Makes the file when it is to be written and missing. `conflict` when it is another tenant's or day's; see
  // sqlite::is_damage for one that is none of ours.
  static Result<std::unique_ptr<DayFile>> open(const std::filesystem::path& file, const TenantId& tenant,
                                               Day day, Access access);
  ~DayFile();

  // ── writing ──

  struct Stored {
    std::uint64_t records = 0;
    std::uint64_t known = 0;  // were there already
  };
  // All of them in one transaction, durable when it returns; `arrival` is greater than any before. Sorts
  // `records`. They are this tenant's and this day's.
  Result<Stored> store(std::vector<NewRecord>& records, std::int64_t arrival);

  // ── reading ──

  // From the newest to the oldest with from <= key <= to. `each` says whether to go on.
  Result<void> search(const Query& query, Key from, Key to,
                      const std::function<bool(const StoredRecord&)>& each);
  // By how much the keys of records may be ahead of their time.
  Result<std::int64_t> displaced_ms();
  // The last arrival; 0 when there is none.
  Result<std::int64_t> last_arrival();
  // Arrivals in (after, to], oldest first. `each` says whether to go on; `index` counts in the arrival.
  Result<void> arrived(
      std::int64_t after, std::int64_t to,
      const std::function<bool(std::int64_t arrival, std::size_t index, const StoredRecord&)>& each);
  Result<const StoredSource*> source(std::int64_t number);
  Result<std::string> stream(std::int64_t number);

  sqlite3* handle() { return connection_->handle(); }

 private:
  struct Writing;
  explicit DayFile(std::unique_ptr<sqlite::Connection> connection, Day day);
  Result<void> make_tables(const TenantId& tenant);
  Result<void> check_or_make(const TenantId& tenant, Access access);
  Result<std::optional<std::vector<std::int64_t>>> lookup(const AttributeIs& wanted);
  Result<std::optional<std::vector<std::int64_t>>> lookup_streams(const AttributeIs& wanted);
  Result<void> load_sources();
  Result<StoredRecord> read(Key key);

  std::unique_ptr<sqlite::Connection> connection_;
  Day day_;
  std::unordered_map<std::int64_t, StoredSource> sources_;
  std::unique_ptr<Writing> writing_;
};

}  // namespace deputy::logstore
