#include "storage/issuance_places.hpp"

#include <algorithm>
#include <iterator>

namespace deputy::storage {

IssuancePlaces::Share IssuancePlaces::share(std::size_t recorded) const {
  const std::lock_guard lock{mutex_};
  Share share;
  if (sorted_.empty()) return share;
  // Twice as fast as new ones come: the sorted ones are gone before the next are sorted.
  const auto begin = sorted_.begin() + static_cast<std::ptrdiff_t>(indexed_);
  const std::size_t count = std::min(2 * recorded + 1, sorted_.size() - indexed_);
  share.places.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
  if (indexed_ + count == sorted_.size()) share.complete_until = sorted_until_;
  return share;
}

void IssuancePlaces::committed(const Share& share, std::vector<IssuancePlace> recorded) {
  const std::lock_guard lock{mutex_};
  if (lost_) return;
  indexed_ += share.places.size();
  if (share.complete_until) {
    complete_until_ = *share.complete_until;
    sorted_.clear();
    indexed_ = 0;
  }
  if (recorded.empty()) return;
  known_until_ = recorded.back().number;
  std::ranges::move(recorded, std::back_inserter(gathering_));
  if (gathering_.size() < gathered_max || !sorted_.empty()) return;
  sorted_until_ = gathering_.back().number;
  sorted_.swap(gathering_);
  std::ranges::sort(sorted_);
}

void IssuancePlaces::reset(std::int64_t complete_until, std::vector<IssuancePlace> newer) {
  const std::lock_guard lock{mutex_};
  lost_ = false;
  complete_until_ = complete_until;
  known_until_ = newer.empty() ? complete_until : newer.back().number;
  sorted_.clear();
  indexed_ = 0;
  gathering_ = std::move(newer);
}

void IssuancePlaces::lose() {
  const std::lock_guard lock{mutex_};
  lost_ = true;
  sorted_.clear();
  gathering_.clear();
}

std::optional<std::vector<std::int64_t>> IssuancePlaces::of(const ConnectionId& connection,
                                                            std::int64_t complete_until,
                                                            std::int64_t until) const {
  const std::lock_guard lock{mutex_};
  if (lost_ || complete_until < complete_until_ || until > known_until_) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (const auto* part : {&sorted_, &gathering_})
    for (const IssuancePlace& place : *part)
      if (place.number > complete_until && place.number <= until && place.connection == connection.text())
        numbers.push_back(place.number);
  return numbers;
}

}  // namespace deputy::storage
