#include "logstore/store_looking.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace deputy::logstore {

std::string to_cursor(char kind, const Place& place) {
  return fmt::format("{}.{}.{}", kind, place.first, place.second);
}

Result<Place> parse_cursor(char kind, std::string_view text) {
  Place place;
  const std::size_t dot = text.find('.', 2);
  if (text.starts_with(kind) && dot != std::string_view::npos) {
    std::from_chars(text.data() + 2, text.data() + dot, place.first);
    std::from_chars(text.data() + dot + 1, text.data() + text.size(), place.second);
    // None is before the first of all, but for the place before a day's first key.
    if (place.first >= 0 && place.second >= -1 && to_cursor(kind, place) == text) return place;
  }
  return Error{ErrorKind::invalid_request,
               "the cursor is not one: use `next_cursor` of the page before as it is"}
      .with_field("cursor");
}

Looker::Looker(const Query& query, const SearchRequest& request) : query_(query), request_(request) {
  if (!request.connections) return;
  for (const ConnectionId& one : *request.connections) connections_.insert(one.text());
}

void Looker::begin(DayFile& file) {
  file_ = &file;
  streams_.clear();
}

Result<bool> Looker::wants(const StoredRecord& record) {
  if (request_.from && record.timestamp < *request_.from) return false;
  if (request_.to && record.timestamp >= *request_.to) return false;
  DEPUTY_TRY(const StoredSource* source, file_->source(record.source));
  if (request_.connections && !connections_.contains(source->connection)) return false;
  DEPUTY_TRY(const std::string* stream, stream_of(record.stream));
  words_.read(record.message,
              query_.uses_fields ? MessageWords::Want::words_and_fields : MessageWords::Want::words);
  return matches(query_,
                 {source->group, *stream, source->account, source->region, source->connection, words_});
}

Result<FoundRecord> Looker::copy(const StoredRecord& record) {
  DEPUTY_TRY(const StoredSource* source, file_->source(record.source));
  DEPUTY_TRY(const std::string* stream, stream_of(record.stream));
  return FoundRecord{record.timestamp,
                     record.ingested,
                     source->connection,
                     source->account,
                     source->region,
                     source->group,
                     *stream,
                     std::string{record.event_id},
                     std::string{record.message}};
}

Result<const std::string*> Looker::stream_of(std::int64_t number) {
  const auto known = streams_.find(number);
  if (known != streams_.end()) return &known->second;
  DEPUTY_TRY(auto name, file_->stream(number));
  return &streams_.emplace(number, std::move(name)).first->second;
}

Budget Budget::part_of(std::size_t files) const {
  Budget part = *this;
  const auto count = std::max<std::size_t>(files, 1);
  const auto now = std::chrono::steady_clock::now();
  part.end = now + (end - now) / static_cast<std::int64_t>(count);
  part.records = records / count;
  part.bytes = bytes / count;
  return part;
}

bool Budget::take_record() {
  if (records == 0) return false;
  --records;
  return records % 256 != 0 || !is_over();
}

bool Budget::take_bytes(std::size_t wanted, bool is_first) {
  if (wanted > bytes && !is_first) return false;
  bytes -= std::min(wanted, bytes);
  return true;
}

Error too_costly() {
  return Error{ErrorKind::invalid_request,
               "this query takes too long: narrow the time range, or add a word that is rarer"}
      .with_field("q");
}

DayTrouble trouble_of(const TenantId& tenant, Day day, const Error& error) {
  return {tenant.text(), to_text(day), error.message};
}

}  // namespace deputy::logstore
