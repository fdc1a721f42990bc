#include "logstore/store_looking.hpp"
#include "logstore/store_state.hpp"

#include <limits>

namespace deputy::logstore {
namespace {

constexpr Key last_of_all = std::numeric_limits<Key>::max();

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
      // Opening a file takes time as well. One day is looked at in any case: each page comes further.
      if (any_day_ && budget_.is_over()) {
        stop_at({number, number == from.first ? from.second : last_of_all});
        break;
      }
      any_day_ = true;
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
  bool progressed_ = false, any_day_ = false;
};

Result<FoundPage> Store::State::search(const SearchRequest& request) {
  DEPUTY_TRY(const Query query, parse_query(request.query));
  return Search{*this, request, query}.run();
}

}  // namespace deputy::logstore
