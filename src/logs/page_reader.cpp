#include "logs/page_reader.hpp"

#include <algorithm>

namespace deputy::logs {

Result<ReadPage> read_page(const Origin& origin, aws::FilterLogEventsAnswer answer, EventTime read_until,
                           SeenSet& seen) {
  ReadPage read;
  read.bytes = answer.body.size();
  read.summary.date = answer.date;
  DEPUTY_TRY(auto page, aws::FilteredLogEvents::read(std::move(answer.body)));
  read.summary.next_token = std::move(page.next_token);
  const IdentityMaker maker{origin};
  std::vector<Record> fresh;
  fresh.reserve(page.events.size());
  read.identities.reserve(page.events.size());
  for (const aws::FilteredLogEvent& event : page.events) {
    const Record record{.stream = event.stream,
                        .event_id = event.event_id,
                        .message = event.message,
                        .timestamp = EventTime{std::chrono::milliseconds{event.timestamp_ms}},
                        .ingested = EventTime{std::chrono::milliseconds{event.ingestion_ms}}};
    const RecordIdentity identity = maker.identity(record);
    if (!seen.insert(identity)) {
      ++read.duplicates;
      continue;
    }
    if (fresh.empty()) read.first = read.last = record.timestamp;
    read.first = std::min(read.first, record.timestamp);
    read.last = std::max(read.last, record.timestamp);
    read.identities.push_back(identity);
    read.summary.late_events += record.timestamp < read_until ? 1 : 0;
    read.summary.message_bytes += record.message.size();
    fresh.push_back(record);
  }
  read.summary.new_events = fresh.size();
  if (!fresh.empty()) encode_page(origin, fresh, read.encoded);
  return read;
}

}  // namespace deputy::logs
