#pragma once

#include "logstore/day_file.hpp"

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

// The writing half of a day's file: private to day_file*.cpp and day_writing.cpp.
namespace deputy::logstore {

// Keys as differences, in variable length.
std::string encode_keys(const std::vector<Key>& keys);
std::vector<Key> decode_keys(std::string_view bytes);

struct DayFile::Writing {
 public:
  static Result<std::unique_ptr<Writing>> begin(sqlite::Connection& connection, Day day);
  Result<Stored> store(std::vector<NewRecord>& records, std::int64_t arrival);

 private:
  explicit Writing(sqlite::Connection& connection, Day day) : connection_(connection), day_(day) {}
  Result<void> prepare();
  Result<std::int64_t> source_of(const logs::Origin& origin);
  Result<std::int64_t> find_source_of(const logs::Origin& origin);
  Result<std::int64_t> stream_of(std::string_view name);
  Result<std::int64_t> find_stream_of(std::string_view name);
  // All records of one millisecond.
  Result<void> store_millisecond(std::span<const NewRecord> records);
  Result<void> read_bucket(Key first);
  Result<bool> is_known(const NewRecord& record, std::int64_t source);
  Result<void> insert(const NewRecord& record, std::int64_t source, Key first);
  Result<Key> next_key(Key first);
  void forget();

  sqlite::Connection& connection_;
  const Day day_;
  std::vector<sqlite::Statement> statements_;
  std::unordered_map<std::string, std::int64_t> sources_, streams_;
  const logs::Origin* last_origin_ = nullptr;
  std::int64_t last_source_ = 0;
  std::string last_stream_name_;
  std::int64_t last_stream_ = 0;  // 0: none
  MessageWords words_;
  std::string text_;

  // Of the transaction that is going on.
  Stored stored_;
  std::vector<Key> keys_;
  Key newest_ = -1;             // of the file
  std::int64_t displaced_ = 0;  // of the file
  // Of the millisecond that is being written.
  std::unordered_set<std::string> bucket_;  // the first crowd_min records
  std::string probe_;
};

}  // namespace deputy::logstore
