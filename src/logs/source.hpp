#pragma once

#include "logs/record.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace deputy::logs {

// A source: one log group of one connection in one Region, read whole. What is known of it here is what is
// kept on disk; source_machine.hpp says how it moves on.

// Number of a source in the spool's books.
enum class SourceId : std::int64_t {};

enum class SourceStatus {
  active,             // is read
  not_found,          // AWS says that there is no such group: parked until it is discovered again
  denied,             // AWS denies reading it: suspended, tried again with each discovery
  infrequent_access,  // of a class that FilterLogEvents refuses: reported, never read
};
std::string_view to_text(SourceStatus status);
Result<SourceStatus> parse_source_status(std::string_view text);

// A stretch of event time [begin, end) that is being read, page by page with unchanged parameters.
struct OpenWindow {
  EventTime begin;
  EventTime end;
  EventTime begun;  // AWS's time when its first page was asked for
  EventTime
      done_end;  // where the high-water mark may go: `end`, or AWS's Date of the first page if that is less
  std::string next_token;  // of AWS, for the next page; empty before the first page
  EventTime token_at;      // when AWS gave it
  std::uint32_t pages = 0;
  std::uint64_t found = 0;  // new events
};

struct SourceError {
  std::string code;     // AWS's, or ours
  std::string message;  // for the partner's operators
  EventTime at;
};

struct SourceProgress {
  SourceStatus status = SourceStatus::active;
  // All before this was read to its last page, once. Never from an event's timestamp.
  EventTime high_water;
  // For each rescan offset: all before this was read to its last page by a window that began at least the
  // offset later. None is beyond the high-water mark.
  std::vector<EventTime> rescanned;
  std::optional<OpenWindow> window;

  EventTime group_created;        // as AWS says: another value is another group of the same name
  std::uint32_t recreations = 0;  // how often that was seen
  std::uint64_t events = 0;
  std::uint64_t message_bytes = 0;
  std::uint64_t polls = 0;          // windows read to their last page
  std::uint64_t rescans = 0;        // of them, those that read again what had been read
  std::uint64_t rescan_events = 0;  // events that only those found
  std::optional<EventTime> last_success;
  std::optional<SourceError> last_error;  // since the last success
  // Counts writes: what is written names the one that it goes on from, and is refused when there was another.
  std::uint64_t revision = 0;
};

struct Source {
  SourceId id{};
  Origin origin;
  std::string group_arn;  // without `:*`
  SourceProgress progress;
};

// The unit of a lease, because AWS counts its quotas by it: an account in a Region.
std::string lease_name(const AccountId& account, const Region& region);

}  // namespace deputy::logs
