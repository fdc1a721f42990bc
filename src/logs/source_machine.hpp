#pragma once

#include "logs/seen_set.hpp"
#include "logs/source.hpp"

#include <optional>
#include <string>
#include <string_view>

#include "aws/caller.hpp"
#include "core/random.hpp"

// How one source moves on: pure decisions over its progress, AWS's time and what AWS said. Nothing here knows
// of clocks, disks or the network, so that a simulation can hold it to its promises.
namespace deputy::logs {

struct SourcePlan {
  // After these, what was read is read again, for events that arrived late. Rising.
  std::vector<std::chrono::milliseconds> rescan_offsets{std::chrono::minutes{2}, std::chrono::minutes{30},
                                                        std::chrono::hours{3}, std::chrono::hours{26}};
  std::chrono::milliseconds poll_min = std::chrono::seconds{5};   // of a busy group
  std::chrono::milliseconds poll_max = std::chrono::seconds{60};  // of a quiet one
  std::chrono::milliseconds window_max = std::chrono::hours{6};   // of event time at once
  std::chrono::milliseconds window_min = std::chrono::seconds{1};
  // A window is cut in half when it has more events than this: their identities are in memory meanwhile.
  std::uint64_t window_events_max = 500'000;
  // Beyond AWS's 24 hours a token is not even tried.
  std::chrono::milliseconds token_age_max = std::chrono::hours{23};
  // Groups with at most so many events since the first rescan offset are read over that stretch with every
  // poll, which saves the first rescan's own call.
  std::uint64_t quiet_events_max = 500;
  // Of those, the ones with at most so many bytes of messages that are read up to so short a while ago have
  // little to be read.
  std::uint64_t quiet_bytes_max = 128 * 1024;
  std::chrono::milliseconds quiet_lag_max = std::chrono::minutes{5};
  std::chrono::milliseconds retry_base = std::chrono::seconds{1};
  std::chrono::milliseconds retry_max = std::chrono::minutes{5};
  std::chrono::milliseconds denied_retry = std::chrono::minutes{15};
};

// What a source has in memory only: forgotten with the process, and that is harmless.
struct SourceMood {
  std::chrono::milliseconds poll{0};    // at the moment; 0: the least
  std::chrono::milliseconds window{0};  // longest at the moment; 0: the most
  int failures = 0;                     // in a row
  bool known = false;                   // a page was read: what is recent is not just unknown
  std::uint64_t recent_events = 0;      // new ones since everything was quiet, about
  std::uint64_t recent_bytes = 0;       // of their messages
  EventTime not_before;                 // AWS's time; after a failure
  int page_events = 0;                  // most of a page that are asked for; 0: as many as AWS gives
};

// When to look at the source next, by AWS's time: now or before means that there is something to read.
EventTime due_at(const SourceProgress& progress, const SourceMood& mood, const SourcePlan& plan);
// How much event time waits to be read.
std::chrono::milliseconds lag(const SourceProgress& progress, EventTime now);

// Whether the next page is a small one in all likelihood: of a window that goes on from where a quiet group
// is read up to. What a later rescan reads, hours of pages perhaps, nothing recent tells of. REQUIRES: the
// source is active.
bool reads_little(const SourceProgress& progress, const SourceMood& mood, const SourcePlan& plan,
                  EventTime now);

// Opens the window that is most due, if any is: the next stretch, [high-water mark, now), or one whose time
// to be read again has come. REQUIRES: no window is open, the source is active.
std::optional<OpenWindow> next_window(const SourceProgress& progress, const SourceMood& mood,
                                      const SourcePlan& plan, EventTime now);

// A window that a process left open goes on with its token, or from its first page when that is too old.
void take_up_window(OpenWindow& window, const SourcePlan& plan, EventTime now);

// What a page said of its window, beside its events.
struct PageSummary {
  std::uint64_t new_events = 0;
  std::uint64_t late_events = 0;  // of the new ones, those with times that had been read before
  std::uint64_t message_bytes = 0;
  std::string next_token;  // empty: the last page
  EventTime date;          // AWS's, of the answer
};
// Takes a page that is about to be committed. True when the window ended with it: the high-water mark and the
// rescan marks have moved over it, and it is closed. REQUIRES: a window is open.
bool take_page(SourceProgress& progress, SourceMood& mood, const SourcePlan& plan, const PageSummary& page);

// Before this nothing is ever read again: identities may be forgotten.
EventTime settled_before(const SourceProgress& progress);

// Most events that AWS gives in a page.
inline constexpr int page_events_max = 10'000;

enum class FailureStep {
  retry,              // after a pause
  retry_throttled,    // the same, and the rate is to be halved
  restart_window,     // at once, from its first page: the token is no good
  renew_credentials,  // forget what is cached, then retry
  suspend,            // the status changed
};
// What to do about a call that failed. Sets status, error and pause; the window stays, the high-water mark
// too.
FailureStep take_failure(SourceProgress& progress, SourceMood& mood, const SourcePlan& plan,
                         const aws::AwsError& error, EventTime now, Random& random);
// The same for what went wrong on our side: no credentials, no room, no disk.
void take_trouble(SourceProgress& progress, SourceMood& mood, const SourcePlan& plan, const Error& error,
                  EventTime now, Random& random);

// The group was discovered again, as it is now. True when that changed something to be written.
bool take_discovery(SourceProgress& progress, SourceMood& mood, EventTime group_created,
                    std::string_view log_class, EventTime now, const SourcePlan& plan);

}  // namespace deputy::logs
