#pragma once

#include <limits>
#include <string>
#include <vector>

#include "registry/store.hpp"
#include "storage/authenticated_rows.hpp"
#include "storage/cursor.hpp"

// Pages by keyset: each query starts from the sort key of the last item seen, so a page costs the same
// however far into the list it is, and items that come or go meanwhile neither repeat nor hide others.
namespace deputy::storage {

inline constexpr std::size_t page_limit_max = 200;

inline Result<void> check_limit(const registry::PageRequest& page) {
  if (page.limit < 1 || page.limit > page_limit_max)
    return Error{ErrorKind::invalid_request, "the limit is a whole number from 1 to 200"}.with_field("limit");
  return success();
}

// Newest first. `sql` takes `leading`, then a time, an identifier (both: only what sorts before them) and a
// limit. `at_of` gives an object's time.
template <class T, class Id, class From, class AtOf>
Result<registry::Page<T>> page_by_age(AuthenticatedRows& rows, const Table& table, const std::string& sql,
                                      Row leading, const registry::PageRequest& page, From from, AtOf at_of) {
  DEPUTY_TRY(check_limit(page));
  AgePlace place{std::numeric_limits<std::int64_t>::max(), ""};
  if (!page.after.empty()) {
    DEPUTY_TRY(place, parse_age_cursor(page.after));
    if (!Id::parse(place.id)) return cursor_error();
  }
  leading.emplace_back(place.at);
  leading.emplace_back(place.id);
  leading.emplace_back(static_cast<std::int64_t>(page.limit) + 1);
  DEPUTY_TRY(const auto found, rows.select(table, sql, leading));
  registry::Page<T> result;
  for (const Row& row : found) {
    if (result.items.size() == page.limit) {
      const T& last = result.items.back();
      result.next_cursor = to_cursor(AgePlace{at_of(last).time_since_epoch().count(), last.id.text()});
      break;
    }
    DEPUTY_TRY(T item, from(row));
    result.items.push_back(std::move(item));
  }
  return result;
}

// In the order of names. `sql` takes a name (only what sorts behind it) and a limit.
template <class T, class NameType, class From>
Result<registry::Page<T>> page_by_name(AuthenticatedRows& rows, const Table& table, const std::string& sql,
                                       const registry::PageRequest& page, From from) {
  DEPUTY_TRY(check_limit(page));
  std::string after;
  if (!page.after.empty()) {
    DEPUTY_TRY(after, decode_cursor(page.after));
    if (!NameType::parse(after)) return cursor_error();
  }
  DEPUTY_TRY(const auto found, rows.select(table, sql, {after, static_cast<std::int64_t>(page.limit) + 1}));
  registry::Page<T> result;
  for (const Row& row : found) {
    if (result.items.size() == page.limit) {
      result.next_cursor = encode_cursor(result.items.back().name.text());
      break;
    }
    DEPUTY_TRY(T item, from(row));
    result.items.push_back(std::move(item));
  }
  return result;
}

}  // namespace deputy::storage
