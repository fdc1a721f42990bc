#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/identifiers.hpp"
#include "core/result.hpp"

// What was collected. Plain values; a page of records is what moves: from AWS into the spool, from the spool
// into every sink.
namespace deputy::logs {

// A point in time to the millisecond, as CloudWatch Logs counts: of an event (what its writer says) or of its
// ingestion (what AWS says).
using EventTime = std::chrono::sys_time<std::chrono::milliseconds>;

// Whose log, and where: what is the same for all records of a source. The tenant and the connection are those
// whose credentials read the records, never anything that a record says.
struct Origin {
  TenantId tenant;
  ConnectionId connection;
  AccountId account;
  Region region;
  std::string group;  // the log group's name
  friend bool operator==(const Origin&, const Origin&) = default;
};

// 128 bits over origin, event ID, event time and ingestion time: two records with the same one are the same
// event, read twice; the same event always gets the same one, in every process. It is the unique key for
// whoever keeps records. Event and ingestion time are in it so that a group that is deleted and made again
// under its name cannot be taken for the old one, whatever AWS numbers its events.
struct RecordIdentity {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const RecordIdentity&, const RecordIdentity&) = default;

  std::array<std::byte, 16> bytes() const;  // big-endian
};

// One event. The texts are views into the page that holds it. A message is what AWS gave, any bytes of UTF-8,
// NUL and escape sequences among them: whoever shows it makes it safe.
struct Record {
  std::string_view stream;
  std::string_view event_id;
  std::string_view message;
  EventTime timestamp;
  EventTime ingested;
};

// Makes the identities of one origin's records.
class IdentityMaker {
 public:
  explicit IdentityMaker(const Origin& origin);
  RecordIdentity identity(const Record& record) const;

 private:
  std::uint64_t seed_;
};

// Records of one origin, in the order in which AWS gave them, and the bytes that they are views of. Moves;
// the views stay valid.
struct RecordPage {
  Origin origin;
  std::vector<Record> records;
  std::vector<char> bytes;  // what the views point into
  std::uint64_t message_bytes() const;
};

// A page as it lies in the spool: length-prefixed, with a checksum over all of it.
inline constexpr std::size_t page_header_bytes = 24;
inline constexpr std::size_t page_bytes_max = 64 * 1024 * 1024;
// Appends the page to `out`.
void encode_page(const Origin& origin, const std::vector<Record>& records, std::vector<char>& out);
// Reads one whole encoded page, taking its bytes. `internal` when it is damaged; no value is taken from such.
Result<RecordPage> decode_page(std::vector<char> encoded);

}  // namespace deputy::logs
