#include "logstore/store_state.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <limits>
#include <unordered_map>

namespace deputy::logstore {
namespace {

using Steady = std::chrono::steady_clock;
constexpr Key last_of_all = std::numeric_limits<Key>::max();

// A place as people carry it around: a letter and two numbers, in exactly one spelling.
struct Place {
  std::int64_t first = 0;
  std::int64_t second = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};
std::string to_cursor(char kind, const Place& place) {
  return fmt::format("{}.{}.{}", kind, place.first, place.second);
}
Result<Place> parse_cursor(char kind, std::string_view text) {
  Place place;
  const std::size_t dot = text.find('.', 2);
  if (text.starts_with(kind) && dot != std::string_view::npos) {
    std::from_chars(text.data() + 2, text.data() + dot, place.first);
    std::from_chars(text.data() + dot + 1, text.data() + text.size(), place.second);
    if (to_cursor(kind, place) == text) return place;
  }
  return Error{ErrorKind::invalid_request,
               "the cursor is not one: use `next_cursor` of the page before as it is"}
      .with_field("cursor");
}

// Decides over records of one file, and copies those that are wanted.
class Looker {
 public:
  Looker(const Query& query, const SearchRequest& request) : query_(query), request_(request) {}

  void begin(DayFile& file) {
    file_ = &file;
    streams_.clear();
  }

  Result<bool> wants(const StoredRecord& record) {
    if (request_.from && record.timestamp < *request_.from) return false;
    if (request_.to && record.timestamp >= *request_.to) return false;
    DEPUTY_TRY(const StoredSource* source, file_->source(record.source));
    const auto is_this = [source](const ConnectionId& one) { return one.text() == source->connection; };
    if (request_.connections && std::ranges::none_of(*request_.connections, is_this)) return false;
    DEPUTY_TRY(const std::string* stream, stream_of(record.stream));
    words_.read(record.message,
                query_.uses_fields ? MessageWords::Want::words_and_fields : MessageWords::Want::words);
    return matches(query_,
                   {source->group, *stream, source->account, source->region, source->connection, words_});
  }

  Result<FoundRecord> copy(const StoredRecord& record) {
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

 private:
  Result<const std::string*> stream_of(std::int64_t number) {
    const auto known = streams_.find(number);
    if (known != streams_.end()) return &known->second;
    DEPUTY_TRY(auto name, file_->stream(number));
    return &streams_.emplace(number, std::move(name)).first->second;
  }

  const Query& query_;
  const SearchRequest& request_;
  DayFile* file_ = nullptr;
  std::unordered_map<std::int64_t, std::string> streams_;
  MessageWords words_;
};

// What is left of the limits on a page.
struct Budget {
  Steady::time_point end;
  std::size_t records = 0;
  std::size_t bytes = 0;

  explicit Budget(const SearchLimits& limits)
      : end(Steady::now() + limits.time), records(limits.records_max), bytes(limits.bytes_max) {}
  // False when the next record is one too many.
  bool take_record() {
    if (records == 0) return false;
    --records;
    return records % 256 != 0 || Steady::now() < end;
  }
  bool take_bytes(std::size_t wanted, bool is_first) {
    if (wanted > bytes && !is_first) return false;
    bytes -= std::min(wanted, bytes);
    return true;
  }
};

Error too_costly() {
  return Error{ErrorKind::invalid_request,
               "this query takes too long: narrow the time range, or add a word that is rarer"}
      .with_field("q");
}

// What a file's error is to whoever searches: a day that is missing from the answer. Only a query that was
// interrupted is the query's.
DayTrouble trouble_of(const TenantId& tenant, Day day, const Error& error) {
  return {tenant.text(), to_text(day), error.message};
}

}  // namespace

// One page.
class Store::State::Search {
 public:
  Search(State& store, const SearchRequest& request, const Query& query)
      : store_(store),
        request_(request),
        looker_(query, request),
        query_(query),
        budget_(store.options.limits) {}

  Result<FoundPage> run() {
    Place from{std::numeric_limits<std::int64_t>::max(), last_of_all};
    if (!request_.cursor.empty()) {
      DEPUTY_TRY(from, parse_cursor('s', request_.cursor));
    }
    for (const Day day : store_.folder.days(request_.tenant)) {
      const std::int64_t number = day.time_since_epoch().count();
      if (number > from.first || !may_have(day)) continue;
      DEPUTY_TRY(const bool goes_on, search_day(day, number == from.first ? from.second : last_of_all));
      if (!goes_on) break;
    }
    return std::move(page_);
  }

 private:
  bool may_have(Day day) const {
    const logs::EventTime begin{day};
    return (!request_.to || begin < *request_.to) &&
           (!request_.from || begin + std::chrono::days{1} > *request_.from);
  }

  // False: the page is full, or may cost no more.
  Result<bool> search_day(Day day, Key to) {
    auto opened = store_.readers.take(request_.tenant, day);
    if (!opened) {
      page_.not_searched.push_back(trouble_of(request_.tenant, day, opened.error()));
      return true;
    }
    OpenFiles::Taken file = std::move(opened).value();
    bool goes_on = true;
    const auto searched = search_file(*file, day, to, goes_on);
    if (searched) return goes_on;
    if (sqlite::is_interruption(searched.error())) {
      // Where nothing was looked at since the page began, going on from here would only end here again.
      if (!progressed_) return too_costly();
      stop_at({day.time_since_epoch().count(), last_looked_at_});
      return false;
    }
    file.drop();
    page_.not_searched.push_back(trouble_of(request_.tenant, day, searched.error()));
    return true;
  }

  Result<void> search_file(DayFile& file, Day day, Key to, bool& goes_on) {
    const Deadlines::Watch watch{store_.deadlines, file.handle(), budget_.end};
    last_looked_at_ = to;
    looker_.begin(file);
    DEPUTY_TRY(const auto displaced, file.displaced_ms());
    const Key first = request_.from ? std::max<Key>(0, first_key(day, *request_.from)) : 0;
    if (request_.to && *request_.to < logs::EventTime{day} + std::chrono::days{1})
      to = std::min(to, first_key(day, *request_.to) + displaced * keys_per_ms);
    std::optional<Error> failure;
    DEPUTY_TRY(file.search(query_, first, to, [&](const StoredRecord& record) {
      auto looked = look_at(record, day);
      if (!looked) {
        failure.emplace(std::move(looked).error());
        return false;
      }
      goes_on = looked.value();
      return goes_on;
    }));
    if (failure) return *std::move(failure);
    progressed_ = true;
    return success();
  }

  Result<bool> look_at(const StoredRecord& record, Day day) {
    const std::int64_t number = day.time_since_epoch().count();
    if (page_.items.size() == request_.limit) {  // one more is there, so it is worth asking again
      page_.next_cursor = to_cursor('s', {number, last_looked_at_});
      return false;
    }
    if (!budget_.take_record()) {
      stop_at({number, last_looked_at_});
      return false;
    }
    DEPUTY_TRY(const bool wanted, looker_.wants(record));
    if (wanted) {
      if (!budget_.take_bytes(record.message.size(), page_.items.empty())) {
        stop_at({number, last_looked_at_});
        return false;
      }
      DEPUTY_TRY(auto found, looker_.copy(record));
      page_.items.push_back(std::move(found));
    }
    last_looked_at_ = record.key - 1;
    progressed_ = true;
    return true;
  }

  void stop_at(const Place& place) {
    page_.cut_off = true;
    page_.next_cursor = to_cursor('s', place);
  }

  State& store_;
  const SearchRequest& request_;
  Looker looker_;
  const Query& query_;
  Budget budget_;
  FoundPage page_;
  Key last_looked_at_ = last_of_all;  // where another page begins in the file that is searched
  bool progressed_ = false;
};

Result<FoundPage> Store::State::search(const SearchRequest& request) {
  DEPUTY_TRY(const Query query, parse_query(request.query));
  return Search{*this, request, query}.run();
}

namespace {

// What one file has of the arrivals that are asked for, as far as the limits went.
struct ArrivedInFile {
  std::vector<std::pair<Place, FoundRecord>> records;
  Place end;  // all before it was looked at
};

Result<ArrivedInFile> arrived_in(DayFile& file, Looker& looker, const Place& from, std::int64_t to,
                                 std::size_t limit, Budget& budget) {
  ArrivedInFile found{{}, {to + 1, 0}};
  std::optional<Error> failure;
  looker.begin(file);
  const auto each = [&](std::int64_t arrival, std::size_t index, const StoredRecord& record) {
    const Place place{arrival, static_cast<std::int64_t>(index)};
    if (place < from) return true;
    const bool fits = found.records.size() < limit && budget.take_record();
    const auto wanted = fits ? looker.wants(record) : Result<bool>{false};
    if (!wanted) {
      failure.emplace(wanted.error());
      return false;
    }
    if (!fits || (wanted.value() && !budget.take_bytes(record.message.size(), found.records.empty()))) {
      found.end = place;
      return false;
    }
    if (!wanted.value()) return true;
    auto copied = looker.copy(record);
    if (!copied) {
      failure.emplace(std::move(copied).error());
      return false;
    }
    found.records.emplace_back(place, std::move(copied).value());
    return true;
  };
  DEPUTY_TRY(file.arrived(from.first - 1, to, each));
  if (failure) return *std::move(failure);
  return found;
}

}  // namespace

// The numbers of arrivals rise over all of a tenant's files, and the writer commits one after the other. So
// whatever is at most the last number that is seen anywhere was committed before it, and is seen by whoever
// looks after: nothing arrives behind a cursor.
Result<FoundPage> Store::State::arrived(const SearchRequest& request) {
  DEPUTY_TRY(const Query query, parse_query(request.query));
  Place from{0, 0};
  if (!request.cursor.empty()) {
    DEPUTY_TRY(from, parse_cursor('a', request.cursor));
  }
  FoundPage page;
  std::vector<std::pair<Day, std::int64_t>> files;  // and their last arrivals
  std::int64_t last = 0;
  for (const Day day : folder.days(request.tenant)) {
    auto file = readers.take(request.tenant, day);
    const auto number = file ? file.value()->last_arrival() : Result<std::int64_t>{file.error()};
    if (!number) {
      page.not_searched.push_back(trouble_of(request.tenant, day, number.error()));
      continue;
    }
    files.emplace_back(day, number.value());
    last = std::max(last, number.value());
  }
  Place end{last + 1, 0};
  if (request.cursor.empty()) {
    page.next_cursor = to_cursor('a', end);
    return page;
  }
  Looker looker{query, request};
  Budget budget{options.limits};
  std::vector<std::pair<Place, FoundRecord>> records;
  for (const auto& [day, newest] : files) {
    if (newest < from.first) continue;
    DEPUTY_TRY(auto file, readers.take(request.tenant, day));
    DEPUTY_TRY(auto found, arrived_in(*file, looker, from, last, request.limit, budget));
    end = std::min(end, found.end);
    std::ranges::move(found.records, std::back_inserter(records));
  }
  std::ranges::sort(records, {}, &std::pair<Place, FoundRecord>::first);
  for (auto& [place, record] : records) {
    if (place >= end) break;
    if (page.items.size() == request.limit) {
      end = place;
      break;
    }
    page.items.push_back(std::move(record));
  }
  page.next_cursor = to_cursor('a', std::max(end, from));
  return page;
}

}  // namespace deputy::logstore
