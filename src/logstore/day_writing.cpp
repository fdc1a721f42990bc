#include "logstore/day_writing.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace deputy::logstore {
namespace {

// A millisecond's records are compared with each other up to this many; the identities of those beyond are in
// a table of their own. So the usual millisecond costs no index, and a crowded one no quadratic time.
constexpr Key crowd_min = 1'024;
constexpr std::size_t names_kept_max = 20'000;

enum Name {
  insert_event,
  insert_words,
  insert_crowd,
  read_first,
  read_newest,
  insert_source,
  find_source,
  insert_stream,
  find_stream,
  insert_arrival,
  statement_count
};
constexpr std::string_view texts[statement_count] = {
    "INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    "INSERT INTO words(rowid, text) VALUES (?1, ?2)",
    "INSERT OR IGNORE INTO crowd VALUES (?1) RETURNING 1",
    "SELECT source, time, ingested, event_id FROM event WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3",
    "SELECT max(id) FROM event WHERE id < ?1",
    "INSERT INTO source(connection, account, region, log_group) VALUES (?1, ?2, ?3, ?4) RETURNING id",
    "SELECT id FROM source WHERE connection = ?1 AND account = ?2 AND region = ?3 AND log_group = ?4",
    "INSERT INTO stream(name) VALUES (?1) RETURNING id",
    "SELECT id FROM stream WHERE name = ?1",
    "INSERT INTO arrival VALUES (?1, ?2)",
};

void put_number(std::string& out, std::int64_t number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof number);
}

// What makes a record itself: where it is from, its event ID, its two times.
void name_record(std::string& out, std::int64_t source, std::int64_t time, std::int64_t ingested,
                 std::string_view event_id) {
  out.clear();
  put_number(out, source);
  put_number(out, time);
  put_number(out, ingested);
  out.append(event_id);
}

std::int64_t in_ms(logs::EventTime time) {
  return time.time_since_epoch().count();
}

}  // namespace

std::string encode_keys(const std::vector<Key>& keys) {
  std::string out;
  Key before = 0;
  for (const Key key : keys) {
    const Key step = key - before;
    auto rest = (static_cast<std::uint64_t>(step) << 1U) ^ static_cast<std::uint64_t>(step >> 63);
    for (; rest >= 0x80; rest >>= 7U) out += static_cast<char>(rest | 0x80U);
    out += static_cast<char>(rest);
    before = key;
  }
  return out;
}

std::vector<Key> decode_keys(std::string_view bytes) {
  std::vector<Key> keys;
  Key key = 0;
  std::uint64_t rest = 0;
  unsigned shift = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (shift < 64) rest |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    shift += 7;
    if ((byte & 0x80U) != 0) continue;
    key += static_cast<Key>(rest >> 1U) ^ -static_cast<Key>(rest & 1U);
    keys.push_back(key);
    rest = 0;
    shift = 0;
  }
  return keys;
}

Result<std::unique_ptr<DayFile::Writing>> DayFile::Writing::begin(sqlite::Connection& connection, Day day) {
  DEPUTY_TRY(
      connection.execute("PRAGMA cache_size = -8000; PRAGMA wal_autocheckpoint = 4000; "
                         "PRAGMA secure_delete = OFF"));
  std::unique_ptr<Writing> writing{new Writing{connection, day}};
  DEPUTY_TRY(writing->prepare());
  return writing;
}

Result<void> DayFile::Writing::prepare() {
  for (const std::string_view text : texts) {
    DEPUTY_TRY(auto statement, sqlite::Statement::prepare(connection_, text));
    statements_.push_back(std::move(statement));
  }
  return success();
}

// What was learned in a transaction that is given up is not true.
void DayFile::Writing::forget() {
  sources_.clear();
  streams_.clear();
  last_stream_ = 0;
}

Result<DayFile::Stored> DayFile::Writing::store(std::vector<NewRecord>& records, std::int64_t arrival) {
  for (std::size_t i = 0; i < records.size(); ++i) records[i].order = i;
  std::ranges::sort(records, {},
                    [](const NewRecord& one) { return std::pair{one.record->timestamp, one.order}; });
  stored_ = {};
  keys_.clear();
  last_origin_ = nullptr;
  DEPUTY_TRY(auto transaction, sqlite::TransactionScope::begin(connection_, true));
  const auto work = [&]() -> Result<void> {
    DEPUTY_TRY(newest_, connection_.number("SELECT coalesce(max(id), -1) FROM event"));
    DEPUTY_TRY(displaced_, connection_.number("SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM about "
                                              "WHERE name = 'displaced_ms'"));
    const std::int64_t displaced_before = displaced_;
    for (std::size_t begin = 0; begin < records.size();) {
      std::size_t end = begin + 1;
      while (end < records.size() && records[end].record->timestamp == records[begin].record->timestamp)
        ++end;
      DEPUTY_TRY(store_millisecond(std::span{records}.subspan(begin, end - begin)));
      begin = end;
    }
    if (displaced_ != displaced_before) {
      DEPUTY_TRY(connection_.run("INSERT OR REPLACE INTO about VALUES ('displaced_ms', ?)",
                                 {fmt::to_string(displaced_)}));
    }
    if (keys_.empty()) return success();
    const std::string keys = encode_keys(keys_);
    statements_[insert_arrival].bind(0, arrival);
    statements_[insert_arrival].bind_blob(1, keys);
    DEPUTY_TRY(statements_[insert_arrival].run());
    return transaction.commit();
  };
  if (auto worked = work(); !worked) {
    forget();
    return std::move(worked).error();
  }
  return stored_;
}

Result<std::int64_t> DayFile::Writing::source_of(const logs::Origin& origin) {
  if (&origin == last_origin_) return last_source_;
  DEPUTY_TRY(last_source_, find_source_of(origin));
  last_origin_ = &origin;
  return last_source_;
}

Result<std::int64_t> DayFile::Writing::find_source_of(const logs::Origin& origin) {
  std::string name;
  for (const std::string* part :
       {&origin.connection.text(), &origin.account.text(), &origin.region.text(), &origin.group})
    name.append(*part).push_back('\0');
  if (const auto known = sources_.find(name); known != sources_.end()) return known->second;
  for (const Name which : {find_source, insert_source}) {
    sqlite::Statement& statement = statements_[which];
    statement.bind_text(0, origin.connection.text());
    statement.bind_text(1, origin.account.text());
    statement.bind_text(2, origin.region.text());
    statement.bind_text(3, origin.group);
    DEPUTY_TRY(const bool has_row, statement.step());
    if (!has_row) continue;
    const std::int64_t number = statement.number(0);
    statement.reset();
    sources_.emplace(std::move(name), number);
    return number;
  }
  return Error{ErrorKind::internal, "the log store failed", "a source was not inserted"};
}

Result<std::int64_t> DayFile::Writing::stream_of(std::string_view stream) {
  if (last_stream_ > 0 && last_stream_name_ == stream) return last_stream_;
  DEPUTY_TRY(last_stream_, find_stream_of(stream));
  last_stream_name_ = stream;
  return last_stream_;
}

Result<std::int64_t> DayFile::Writing::find_stream_of(std::string_view stream) {
  std::string name{stream};
  if (const auto known = streams_.find(name); known != streams_.end()) return known->second;
  if (streams_.size() >= names_kept_max) streams_.clear();
  for (const Name which : {find_stream, insert_stream}) {
    sqlite::Statement& statement = statements_[which];
    statement.bind_text(0, name);
    DEPUTY_TRY(const bool has_row, statement.step());
    if (!has_row) continue;
    const std::int64_t number = statement.number(0);
    statement.reset();
    streams_.emplace(std::move(name), number);
    return number;
  }
  return Error{ErrorKind::internal, "the log store failed", "a stream was not inserted"};
}

Result<void> DayFile::Writing::read_bucket(Key first) {
  bucket_.clear();
  if (newest_ < first) return success();
  sqlite::Statement& statement = statements_[read_first];
  statement.bind(0, first);
  statement.bind(1, first + keys_per_ms);
  statement.bind(2, crowd_min);
  for (;;) {
    DEPUTY_TRY(const bool has_row, statement.step());
    if (!has_row) return success();
    name_record(probe_, statement.number(0), statement.number(1), statement.number(2), statement.bytes(3));
    bucket_.insert(probe_);
  }
}

Result<void> DayFile::Writing::store_millisecond(std::span<const NewRecord> records) {
  const Key first = first_key(day_, records.front().record->timestamp);
  DEPUTY_TRY(read_bucket(first));
  for (const NewRecord& record : records) {
    DEPUTY_TRY(const auto source, source_of(*record.origin));
    DEPUTY_TRY(const bool known, is_known(record, source));
    if (known) {
      ++stored_.known;
    } else {
      DEPUTY_TRY(insert(record, source, first));
      ++stored_.records;
    }
  }
  return success();
}

// Remembers it as well, when it was not.
Result<bool> DayFile::Writing::is_known(const NewRecord& one, std::int64_t source) {
  const logs::Record& record = *one.record;
  name_record(probe_, source, in_ms(record.timestamp), in_ms(record.ingested), record.event_id);
  if (bucket_.contains(probe_)) return true;
  if (bucket_.size() < static_cast<std::size_t>(crowd_min)) {
    bucket_.insert(probe_);
    return false;
  }
  const auto identity = logs::IdentityMaker{*one.origin}.identity(record).bytes();
  sqlite::Statement& statement = statements_[insert_crowd];
  statement.bind_blob(0, {reinterpret_cast<const char*>(identity.data()), identity.size()});
  DEPUTY_TRY(const bool is_new, statement.step());
  statement.reset();
  return !is_new;
}

Result<Key> DayFile::Writing::next_key(Key first) {
  if (newest_ < first) return first;
  if (newest_ < first + keys_per_ms - 1) return newest_ + 1;  // this millisecond is the file's last
  for (Key bucket = first;; bucket += keys_per_ms) {
    sqlite::Statement& statement = statements_[read_newest];
    statement.bind(0, bucket + keys_per_ms);
    DEPUTY_TRY(const bool has_row, statement.step());
    const Key last = has_row ? statement.number(0) : -1;
    statement.reset();
    if (last < bucket) return bucket;
    if (last < bucket + keys_per_ms - 1) return last + 1;
  }
}

Result<void> DayFile::Writing::insert(const NewRecord& one, std::int64_t source, Key first) {
  const logs::Record& record = *one.record;
  DEPUTY_TRY(const auto stream, stream_of(record.stream));
  DEPUTY_TRY(const Key key, next_key(first));
  newest_ = std::max(newest_, key);
  displaced_ = std::max(displaced_, (key - first) / keys_per_ms);
  sqlite::Statement& event = statements_[insert_event];
  event.bind(0, key);
  event.bind(1, source);
  event.bind(2, stream);
  event.bind(3, in_ms(record.timestamp));
  event.bind(4, in_ms(record.ingested));
  event.bind_blob(5, record.event_id);
  event.bind_blob(6, record.message);
  DEPUTY_TRY(event.run());
  words_.read(record.message, MessageWords::Want::words);
  text_.assign(words_.text()).append(source_word(source)).append(" ").append(stream_word(stream));
  sqlite::Statement& words = statements_[insert_words];
  words.bind(0, key);
  words.bind_text(1, text_);
  DEPUTY_TRY(words.run());
  keys_.push_back(key);
  return success();
}

}  // namespace deputy::logstore
