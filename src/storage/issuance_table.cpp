#include "storage/issuance_table.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "storage/cursor.hpp"
#include "storage/encoding.hpp"
#include "storage/page.hpp"

namespace deputy::storage {

using registry::Issuance;

namespace {

constexpr std::size_t packed_bytes_max = 256UL * 1024;

Error unreadable(std::int64_t number) {
  return Error{ErrorKind::internal, "a stored row cannot be read",
               fmt::format("issuance {} has an unexpected form", number)};
}

std::uint64_t microseconds(Timestamp time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}
Timestamp time_of(std::uint64_t number) {
  return Timestamp{std::chrono::microseconds{static_cast<std::int64_t>(number)}};
}

void put_issuance(std::string& out, const Issuance& issuance) {
  put_text(out, issuance.id.text());
  put_text(out, issuance.connection_id.text());
  put_text(out, issuance.tenant_id.text());
  put_text(out, issuance.workload);
  put_text(out, issuance.reason ? "1" + *issuance.reason : "0");
  put_text(out, issuance.session_name);
  put_text(out, issuance.access_key_id);
  put_text(out, to_text(issuance.source));
  put_number(out, microseconds(issuance.issued_at));
  put_number(out, microseconds(issuance.expires_at));
}

// The texts of an issuance and its two times, as they are in a row.
struct Raw {
  std::string_view id, connection, tenant, workload, reason, session_name, access_key_id, source;
  std::uint64_t issued_at = 0, expires_at = 0;
};
std::optional<Raw> next_raw(Decoder& decoder) {
  Raw raw;
  for (std::string_view* text : {&raw.id, &raw.connection, &raw.tenant, &raw.workload, &raw.reason,
                                 &raw.session_name, &raw.access_key_id, &raw.source}) {
    const auto read = decoder.text();
    if (!read) return std::nullopt;
    *text = *read;
  }
  for (std::uint64_t* number : {&raw.issued_at, &raw.expires_at}) {
    const auto read = decoder.number();
    if (!read) return std::nullopt;
    *number = *read;
  }
  return raw;
}

Result<Issuance> issuance_from(const Raw& raw) {
  DEPUTY_TRY(auto id, IssuanceId::parse(raw.id));
  DEPUTY_TRY(auto connection, ConnectionId::parse(raw.connection));
  DEPUTY_TRY(auto tenant, TenantId::parse(raw.tenant));
  DEPUTY_TRY(const auto source, registry::parse_enum<registry::IssuanceSource>(raw.source));
  std::optional<std::string> reason;
  if (raw.reason.starts_with('1')) reason = raw.reason.substr(1);
  return Issuance{.id = std::move(id),
                  .connection_id = std::move(connection),
                  .tenant_id = std::move(tenant),
                  .workload = std::string{raw.workload},
                  .reason = std::move(reason),
                  .session_name = std::string{raw.session_name},
                  .access_key_id = std::string{raw.access_key_id},
                  .issued_at = time_of(raw.issued_at),
                  .expires_at = time_of(raw.expires_at),
                  .source = source};
}

// A row: `each(number, raw)` for every issuance in it. Its form is that of an authentic row or an error.
template <class Each>
Result<void> for_each_in(const Row& row, Each each) {
  const auto* last = std::get_if<std::int64_t>(&row.at(0));
  const auto* first = std::get_if<std::int64_t>(&row.at(1));
  const auto* packed = std::get_if<Blob>(&row.at(2));
  if (last == nullptr || first == nullptr || packed == nullptr) return unreadable(0);
  Decoder decoder{packed->bytes};
  std::int64_t number = *first;
  for (; !decoder.at_end(); ++number) {
    const auto raw = next_raw(decoder);
    if (!raw) return unreadable(number);
    DEPUTY_TRY(each(number, *raw));
  }
  return number == *last + 1 ? Result<void>{success()} : unreadable(number);
}

Result<std::int64_t> last_number(SqliteConnection& connection) {
  static const std::string sql = "SELECT COALESCE(MAX(last), 0) FROM issuances";
  return connection.number(sql);
}

Result<std::int64_t> index_complete_until(SqliteConnection& connection) {
  static const std::string sql = "SELECT COALESCE(MAX(number), 0) FROM issuance_places_complete";
  return connection.number(sql);
}

// Places newer than a number, from the issuances themselves.
Result<std::vector<IssuancePlace>> read_places(AuthenticatedRows& rows, std::int64_t after) {
  static const std::string sql = tables::issuances.select("WHERE last > ?1 ORDER BY last LIMIT ?2");
  constexpr std::int64_t rows_at_once = 64;
  std::vector<IssuancePlace> places;
  for (std::int64_t from = after;;) {
    DEPUTY_TRY(const auto found, rows.select(tables::issuances, sql, {from, rows_at_once}));
    for (const Row& row : found) {
      DEPUTY_TRY(for_each_in(row, [&](std::int64_t number, const Raw& raw) -> Result<void> {
        if (number > after) places.push_back({std::string{raw.connection}, number});
        return success();
      }));
      from = std::get<std::int64_t>(row[0]);
    }
    if (found.size() < static_cast<std::size_t>(rows_at_once)) return places;
  }
}

// The newest `limit` numbers of a connection below `before`: from the index and from what is newer than it.
Result<std::vector<std::int64_t>> numbers_of(AuthenticatedRows& rows, const IssuancePlaces* places,
                                             const ConnectionId& connection, std::int64_t before,
                                             std::size_t limit) {
  static const std::string sql =
      "SELECT number FROM issuance_places WHERE connection_id = ?1 AND number < ?2 ORDER BY number DESC "
      "LIMIT ?3";
  DEPUTY_TRY(const auto complete_until, index_complete_until(rows.connection()));
  DEPUTY_TRY(const auto last, last_number(rows.connection()));
  auto newer = places == nullptr ? std::nullopt : places->of(connection, complete_until, last);
  if (!newer) {
    DEPUTY_TRY(const auto read, read_places(rows, complete_until));
    newer.emplace();
    for (const IssuancePlace& place : read)
      if (place.connection == connection.text()) newer->push_back(place.number);
  }
  std::vector<std::int64_t> numbers;
  std::ranges::copy_if(*newer, std::back_inserter(numbers), [&](auto number) { return number < before; });
  // Of the newer ones the index may hold a part.
  const std::int64_t indexed_below = std::min(before, complete_until + 1);
  DEPUTY_TRY(const auto found, rows.connection().query(sql, {connection.text(), indexed_below,
                                                             static_cast<std::int64_t>(limit)}));
  for (const Row& row : found) {
    const auto* number = std::get_if<std::int64_t>(&row.at(0));
    if (number == nullptr) return unreadable(0);
    numbers.push_back(*number);
  }
  std::ranges::sort(numbers, std::greater{});
  numbers.resize(std::min(numbers.size(), limit));
  return numbers;
}

Error misled(std::int64_t number) {
  return Error{ErrorKind::internal, "the database was tampered with or is damaged",
               fmt::format("the index of issuances leads to issuance {}, which is not there", number)};
}

// Issuances by falling number, a row of the table at a time.
class IssuanceReader {
 public:
  explicit IssuanceReader(AuthenticatedRows& rows) : rows_(rows) {}

  Result<Issuance> read(std::int64_t number, const ConnectionId& connection) {
    if (raws_.empty() || number < first_) {
      DEPUTY_TRY(load(number));
    }
    const auto at = static_cast<std::size_t>(number - first_);
    if (number < first_ || at >= raws_.size() || raws_[at].connection != connection.text())
      return misled(number);
    return issuance_from(raws_[at]);
  }

 private:
  Result<void> load(std::int64_t number) {
    static const std::string sql = tables::issuances.select("WHERE last >= ?1 ORDER BY last LIMIT 1");
    raws_.clear();
    DEPUTY_TRY(row_, rows_.first(tables::issuances, sql, {number}));
    if (!row_) return misled(number);
    return for_each_in(*row_, [&](std::int64_t at, const Raw& raw) -> Result<void> {
      if (raws_.empty()) first_ = at;
      raws_.push_back(raw);
      return success();
    });
  }

  AuthenticatedRows& rows_;
  std::optional<Row> row_;
  std::int64_t first_ = 0;
  std::vector<Raw> raws_;  // views into the row
};

}  // namespace

Result<void> IssuanceWriter::append(const Issuance& issuance) {
  if (last_ == 0) {
    DEPUTY_TRY(last_, last_number(rows_.connection()));
  }
  if (packed_.empty()) first_ = last_ + 1;
  ++last_;
  put_issuance(packed_, issuance);
  recorded_.push_back({issuance.connection_id.text(), last_});
  return packed_.size() < packed_bytes_max ? Result<void>{success()} : flush();
}

Result<void> IssuanceWriter::flush() {
  if (packed_.empty()) return success();
  Blob packed{std::move(packed_)};
  packed_.clear();
  return rows_.insert(tables::issuances, {last_, first_, std::move(packed)});
}

Result<void> IssuanceWriter::write_share() {
  static const std::string insert =
      "INSERT OR IGNORE INTO issuance_places (connection_id, number) VALUES (?1, ?2)";
  static const std::string complete =
      "INSERT INTO issuance_places_complete (id, number) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET "
      "number = ?1";
  if (places_ == nullptr || recorded_.empty()) return success();
  share_ = places_->share(recorded_.size());
  for (const IssuancePlace& place : share_.places) {
    DEPUTY_TRY(rows_.connection().run(insert, {place.connection, place.number}));
  }
  if (share_.complete_until) {
    DEPUTY_TRY(rows_.connection().run(complete, {*share_.complete_until}));
  }
  return success();
}

void IssuanceWriter::committed() {
  if (places_ != nullptr && !recorded_.empty()) places_->committed(share_, std::move(recorded_));
}

Result<registry::Page<Issuance>> list_issuances(AuthenticatedRows& rows, const IssuancePlaces* places,
                                                const ConnectionId& connection,
                                                const registry::PageRequest& page) {
  DEPUTY_TRY(check_limit(page));
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  if (!page.after.empty()) {
    DEPUTY_TRY(before, parse_number_cursor(page.after));
  }
  DEPUTY_TRY(const auto numbers, numbers_of(rows, places, connection, before, page.limit + 1));
  registry::Page<Issuance> result;
  IssuanceReader reader{rows};
  for (const std::int64_t number : numbers) {
    if (result.items.size() == page.limit) {
      result.next_cursor = to_cursor(before);
      break;
    }
    DEPUTY_TRY(auto issuance, reader.read(number, connection));
    result.items.push_back(std::move(issuance));
    before = number;
  }
  return result;
}

Result<void> load_places(AuthenticatedRows& rows, IssuancePlaces& places) {
  DEPUTY_TRY(const auto complete_until, index_complete_until(rows.connection()));
  DEPUTY_TRY(auto newer, read_places(rows, complete_until));
  places.reset(complete_until, std::move(newer));
  return success();
}

Result<void> check_places(SqliteConnection& connection) {
  static const std::string find = "SELECT 1 FROM issuance_places WHERE connection_id = ?1 AND number = ?2";
  static const std::string count = "SELECT COUNT(*) FROM issuance_places";
  const Error finding{ErrorKind::conflict,
                      "the index of issuances does not lead to the issuances: it was edited or is damaged"};
  DEPUTY_TRY(const auto complete_until, index_complete_until(connection));
  std::int64_t indexed = 0;
  DEPUTY_TRY(
      connection.for_each(tables::issuances.select("ORDER BY last"), {}, [&](const Row& row) -> Result<void> {
        return for_each_in(row, [&](std::int64_t number, const Raw& raw) -> Result<void> {
          DEPUTY_TRY(const auto found, connection.query(find, {std::string{raw.connection}, number}));
          if (found.empty() && number <= complete_until) return finding;
          indexed += static_cast<std::int64_t>(found.size());
          return success();
        });
      }));
  DEPUTY_TRY(const auto rows, connection.number(count));
  DEPUTY_TRY(const auto last, last_number(connection));
  if (rows != indexed || complete_until > last) return finding;
  return success();
}

}  // namespace deputy::storage
