#pragma once

#include "logs/record.hpp"

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace deputy::logs {

// The identities of the events of one window: a flat table of 16-byte entries, at most half full.
// Identities are hashes already; one of zeros stands for an empty place, and is kept beside.
class SeenSet {
 public:
  // True when it was not there before.
  bool insert(const RecordIdentity& identity) {
    if (identity == RecordIdentity{}) return !std::exchange(has_zero_, true);
    if ((count_ + 1) * 2 > table_.size()) grow();
    RecordIdentity& place = find(table_, identity);
    if (place == identity) return false;
    place = identity;
    ++count_;
    return true;
  }
  void insert(std::span<const RecordIdentity> identities) {
    for (const RecordIdentity& each : identities) insert(each);
  }
  bool contains(const RecordIdentity& identity) {
    if (identity == RecordIdentity{}) return has_zero_;
    return !table_.empty() && find(table_, identity) == identity;
  }
  std::size_t size() const { return count_ + (has_zero_ ? 1 : 0); }
  std::vector<RecordIdentity> all() const {
    std::vector<RecordIdentity> identities;
    identities.reserve(size());
    for (const RecordIdentity& each : table_)
      if (each != RecordIdentity{}) identities.push_back(each);
    if (has_zero_) identities.emplace_back();
    return identities;
  }

 private:
  static RecordIdentity& find(std::vector<RecordIdentity>& table, const RecordIdentity& identity) {
    const std::size_t mask = table.size() - 1;
    std::size_t at = identity.low & mask;
    while (table[at] != RecordIdentity{} && table[at] != identity) at = (at + 1) & mask;
    return table[at];
  }
  void grow() {
    std::vector<RecordIdentity> larger(table_.empty() ? 64 : table_.size() * 2);
    for (const RecordIdentity& each : table_)
      if (each != RecordIdentity{}) find(larger, each) = each;
    table_ = std::move(larger);
  }

  std::vector<RecordIdentity> table_;
  std::size_t count_ = 0;
  bool has_zero_ = false;
};

}  // namespace deputy::logs
