#pragma once

#include "logs/seen_set.hpp"
#include "logs/source_machine.hpp"
#include "logs/spool.hpp"

#include "aws/logs.hpp"

namespace deputy::logs {

// What is in a page that was not seen before, ready to be committed.
struct ReadPage {
  PageSummary summary;
  std::vector<char> encoded;  // empty when nothing is new
  std::vector<RecordIdentity> identities;
  EventTime first, last;  // of the new events' times
  std::uint64_t duplicates = 0;
  std::uint64_t bytes = 0;  // of the answer
};

// Reads an answer and takes out what `seen` has; what is new is put there. New events from before
// `read_until` are late. Blocking: milliseconds for a full page.
Result<ReadPage> read_page(const Origin& origin, aws::FilterLogEventsAnswer answer, EventTime read_until,
                           SeenSet& seen);

}  // namespace deputy::logs
