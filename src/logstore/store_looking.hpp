#pragma once

#include "logstore/day_file.hpp"
#include "logstore/query.hpp"
#include "logstore/store.hpp"
#include "logstore/words.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

// What searching and following share: private to store*.cpp.
namespace deputy::logstore {

// A place as people carry it around: a letter and two numbers, in exactly one spelling.
struct Place {
  std::int64_t first = 0;
  std::int64_t second = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};
std::string to_cursor(char kind, const Place& place);
Result<Place> parse_cursor(char kind, std::string_view text);

// Decides over records of one file, and copies those that are wanted.
class Looker {
 public:
  Looker(const Query& query, const SearchRequest& request);

  void begin(DayFile& file);
  Result<bool> wants(const StoredRecord& record);
  Result<FoundRecord> copy(const StoredRecord& record);

 private:
  Result<const std::string*> stream_of(std::int64_t number);

  const Query& query_;
  const SearchRequest& request_;
  std::unordered_set<std::string> connections_;
  DayFile* file_ = nullptr;
  std::unordered_map<std::int64_t, std::string> streams_;
  MessageWords words_;
};

// What is left of the limits on a page.
struct Budget {
  std::chrono::steady_clock::time_point end;
  std::size_t records = 0;
  std::size_t bytes = 0;

  explicit Budget(const SearchLimits& limits)
      : end(std::chrono::steady_clock::now() + limits.time),
        records(limits.records_max),
        bytes(limits.bytes_max) {}
  // The part of one of so many files that are looked at one after the other.
  Budget part_of(std::size_t files) const;
  bool is_over() const { return std::chrono::steady_clock::now() >= end; }
  // False when the next record is one too many.
  bool take_record();
  bool take_bytes(std::size_t wanted, bool is_first);
};

Error too_costly();

// What a file's error is to whoever searches: a day that is missing from the answer. Only a query that was
// interrupted is the query's.
DayTrouble trouble_of(const TenantId& tenant, Day day, const Error& error);

}  // namespace deputy::logstore
