#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/identifiers.hpp"

namespace deputy::storage {

// Where an issuance of a connection is: its number, counted from 1.
struct IssuancePlace {
  std::string connection;
  std::int64_t number = 0;
  friend auto operator<=>(const IssuancePlace&, const IssuancePlace&) = default;
};

// The newest places, which the index of issuances does not hold yet. An index row for each issuance as it
// comes would write a page of its own for nearly every one; so they gather here by the thousand, are sorted,
// and go into the index a few with each transaction that records others, many to a page. The index is
// complete up to a number that stands beside it; what is newer is here, and is read again from the issuances
// when the store is opened. Thread-safe; what changes it is called under the store's write lock.
class IssuancePlaces {
 public:
  static constexpr std::size_t gathered_max = 8'192;

  // What a transaction that records `recorded` issuances is to write into the index.
  struct Share {
    std::vector<IssuancePlace> places;
    std::optional<std::int64_t> complete_until;  // set with the last ones: the index's new number
  };
  Share share(std::size_t recorded) const;

  // The transaction is durable: its share is in the index, and these were recorded.
  void committed(const Share& share, std::vector<IssuancePlace> recorded);
  // As read from the database: the index is complete up to a number, and these are newer.
  void reset(std::int64_t complete_until, std::vector<IssuancePlace> newer);
  // They could not be read: who asks reads for itself, and is told why.
  void lose();

  // The numbers of a connection's issuances in (complete_until, until], any order; nothing when not all of
  // these are here: whoever asks looks at an older state of the database, or at one that is only just
  // durable.
  std::optional<std::vector<std::int64_t>> of(const ConnectionId& connection, std::int64_t complete_until,
                                              std::int64_t until) const;

 private:
  mutable std::mutex mutex_;
  bool lost_ = true;  // until `reset`
  std::int64_t complete_until_ = 0;
  std::int64_t known_until_ = 0;
  std::vector<IssuancePlace> sorted_;  // on their way into the index, by connection
  std::size_t indexed_ = 0;            // of these
  std::int64_t sorted_until_ = 0;
  std::vector<IssuancePlace> gathering_;
};

}  // namespace deputy::storage
