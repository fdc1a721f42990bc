#include "logstore/store_looking.hpp"
#include "logstore/store_state.hpp"

#include <algorithm>
#include <sys/stat.h>

// Following what arrives.
namespace deputy::logstore {
namespace {

constexpr std::size_t known_last_max = 20'000;
// A file that was written a moment ago may be written again without its time or length showing it.
constexpr std::chrono::seconds settled_after{2};

// What one file has of the arrivals that are asked for, as far as the limits went.
struct ArrivedInFile {
  std::vector<std::pair<Place, FoundRecord>> records;
  Place end;  // all before it was looked at
};

// Looks at one record in any case, so that whoever follows comes further with each page.
Result<ArrivedInFile> arrived_in(DayFile& file, Looker& looker, const Place& from, std::int64_t to,
                                 std::size_t limit, Budget budget) {
  ArrivedInFile found{{}, {to + 1, 0}};
  std::optional<Error> failure;
  std::optional<Place> looked_at;
  looker.begin(file);
  const auto each = [&](std::int64_t arrival, std::size_t index, const StoredRecord& record) {
    const Place place{arrival, static_cast<std::int64_t>(index)};
    if (place < from) return true;
    const bool fits = found.records.size() < limit && (!looked_at || budget.take_record());
    const auto wanted = fits ? looker.wants(record) : Result<bool>{false};
    if (!wanted) {
      failure.emplace(wanted.error());
      return false;
    }
    if (!fits || (wanted.value() && !budget.take_bytes(record.message.size(), found.records.empty()))) {
      found.end = place;
      return false;
    }
    looked_at = place;
    if (!wanted.value()) return true;
    auto copied = looker.copy(record);
    if (!copied) {
      failure.emplace(std::move(copied).error());
      return false;
    }
    found.records.emplace_back(place, std::move(copied).value());
    return true;
  };
  auto went = file.arrived(from.first - 1, to, each);
  if (went && failure) went = *std::move(failure);
  if (went) return found;
  if (!sqlite::is_interruption(went.error()) || !looked_at) return std::move(went).error();
  found.end = {looked_at->first, looked_at->second + 1};
  return found;
}

// Those before `end` come onto the page, in the order of arrival, as many as its limits have room for: each
// file gave what a page may have, and at least one. Returns before which place all is there.
Place put_in_order(std::vector<std::pair<Place, FoundRecord>> records, const Place& end, std::size_t limit,
                   Budget budget, FoundPage& page) {
  std::ranges::sort(records, {}, &std::pair<Place, FoundRecord>::first);
  for (auto& [place, record] : records) {
    if (place >= end) break;
    if (page.items.size() == limit) return place;
    if (!budget.take_bytes(record.message.size(), page.items.empty())) return place;
    page.items.push_back(std::move(record));
  }
  return end;
}

}  // namespace

Store::State::FileMark Store::State::mark_of(const std::filesystem::path& file) {
  FileMark mark;
  for (const std::string& name : {file.string(), file.string() + "-wal"}) {
    struct stat about{};
    if (::stat(name.c_str(), &about) != 0 || about.st_size == 0) continue;
    mark.parts.push_back({about.st_ino, about.st_size, about.st_mtim.tv_sec, about.st_mtim.tv_nsec});
    mark.written_at = std::max<std::int64_t>(mark.written_at, about.st_mtim.tv_sec);
  }
  return mark;
}

// Of a file that has not changed since it is known: whoever follows asks each second, over all days.
Result<std::int64_t> Store::State::last_arrival(const TenantId& tenant, Day day) {
  const FileMark mark = mark_of(folder.file(tenant, day));
  {
    const std::lock_guard lock{sight_mutex};
    const auto known = last_arrivals.find({tenant, day});
    if (known != last_arrivals.end() && known->second.first == mark) return known->second.second;
  }
  DEPUTY_TRY(auto file, readers.take(tenant, day));
  const auto number = file->last_arrival();
  if (!number) {
    file.drop();
    return number.error();
  }
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (now.time_since_epoch() - std::chrono::seconds{mark.written_at} < settled_after) return number;
  const std::lock_guard lock{sight_mutex};
  if (last_arrivals.size() >= known_last_max) last_arrivals.clear();
  last_arrivals[{tenant, day}] = {mark, number.value()};
  return number;
}

// The last number of each of a tenant's files; those that cannot be read are told in the page. Nothing when
// there was no time for all of them, which a page that goes on from a cursor may say: the next one knows what
// this one learnt.
std::optional<Store::State::LastArrivals> Store::State::last_arrivals_of(const SearchRequest& request,
                                                                         const Budget& budget,
                                                                         FoundPage& page) {
  LastArrivals files;
  for (const Day day : folder.days(request.tenant)) {
    if (!request.cursor.empty() && budget.is_over()) return std::nullopt;
    const auto number = last_arrival(request.tenant, day);
    if (number)
      files.emplace_back(day, number.value());
    else
      page.not_searched.push_back(trouble_of(request.tenant, day, number.error()));
  }
  return files;
}

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
  const Budget budget{options.limits};
  auto files = last_arrivals_of(request, budget, page);
  if (!files) {  // not all of them are known yet
    page.cut_off = true;
    page.next_cursor = request.cursor;
    return page;
  }
  std::int64_t last = 0;
  for (const auto& [day, number] : *files) last = std::max(last, number);
  Place end{last + 1, 0};
  if (request.cursor.empty()) {
    page.next_cursor = to_cursor('a', end);
    return page;
  }
  std::erase_if(*files, [&](const auto& file) { return file.second < from.first; });
  Looker looker{query, request};
  std::vector<std::pair<Place, FoundRecord>> records;
  for (const auto& [day, last_there] : *files) {
    DEPUTY_TRY(auto file, readers.take(request.tenant, day));
    const Budget part = budget.part_of(files->size());
    const Deadlines::Watch watch{deadlines, file->handle(), part.end + options.limits.time};
    auto found = arrived_in(*file, looker, from, last, request.limit, part);
    if (!found) return sqlite::is_interruption(found.error()) ? too_costly() : std::move(found).error();
    end = std::min(end, found.value().end);
    std::ranges::move(found.value().records, std::back_inserter(records));
  }
  end = put_in_order(std::move(records), end, request.limit, budget, page);
  page.next_cursor = to_cursor('a', std::max(end, from));
  return page;
}

}  // namespace deputy::logstore
