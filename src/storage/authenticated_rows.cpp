#include "storage/authenticated_rows.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "core/assert.hpp"
#include "core/secret.hpp"
#include "storage/encoding.hpp"

namespace deputy::storage {

namespace {

std::string key_in_words(const Table& table, const Row& row) {
  std::string words;
  for (std::size_t i = 0; i < table.key_columns() && i < row.size(); ++i) {
    if (i > 0) words += "/";
    if (const auto* text = std::get_if<std::string>(&row[i]))
      words += in_backticks(*text);
    else if (const auto* number = std::get_if<std::int64_t>(&row[i]))
      words += std::to_string(*number);
    else
      words += "(hash)";
  }
  return words;
}

}  // namespace

Blob row_mac(const StoreKeys& keys, const Table& table, const Row& values) {
  DEPUTY_ASSERT(values.size() == table.columns().size());
  std::string bytes;
  put_text(bytes, "deputy row 1");
  put_text(bytes, table.name());
  put_number(bytes, values.size());
  for (const Value& value : values) put_value(bytes, value);
  return keys.rows.of_bytes(bytes);
}

Result<Row> authentic(const StoreKeys& keys, const Table& table, Row row) {
  DEPUTY_ASSERT(row.size() == table.columns().size() + 1);
  const Value mac = std::move(row.back());
  row.pop_back();
  const auto* found = std::get_if<Blob>(&mac);
  if (found == nullptr || !equal_in_constant_time(found->bytes, row_mac(keys, table, row).bytes))
    return Error{ErrorKind::internal, "a stored row is not authentic",
                 fmt::format("row {} of table {} was edited or moved, or is of another master key",
                             key_in_words(table, row), table.name())};
  return row;
}

Result<void> AuthenticatedRows::still_open() const {
  if (connection_.in_transaction()) return success();
  return Error{ErrorKind::internal, "the database gave the transaction up; nothing was written"};
}

Result<Inventory*> AuthenticatedRows::inventory() {
  if (!inventory_) {
    DEPUTY_TRY(auto loaded, Inventory::load(connection_, keys_.sealer));
    inventory_ = std::move(loaded);
  }
  return &*inventory_;
}

Result<Inventory*> AuthenticatedRows::inventory_to_change() {
  if (mode_ == Mode::read)
    return Error{ErrorKind::internal, "the database failed", "a read transaction was asked to write"};
  DEPUTY_TRY(still_open());
  DEPUTY_TRY(Inventory * current, inventory());
  changed_ = true;
  return current;
}

Result<void> AuthenticatedRows::insert(const Table& table, const Row& values) {
  DEPUTY_TRY(Inventory * current, inventory_to_change());
  const Blob mac = row_mac(keys_, table, values);
  Row parameters = values;
  parameters.emplace_back(mac);
  DEPUTY_TRY(connection_.run(table.insert(), parameters));
  current->table(table.name()).add(keys_.digests, mac);
  return success();
}

Result<void> AuthenticatedRows::update(const Table& table, const Row& values) {
  DEPUTY_TRY(Inventory * current, inventory_to_change());
  const Row key{values.begin(), values.begin() + static_cast<std::ptrdiff_t>(table.key_columns())};
  DEPUTY_TRY(const auto old, find(table, key));
  if (!old)
    return Error{ErrorKind::internal, "a row to be changed is gone",
                 fmt::format("row {} of table {}", key_in_words(table, key), table.name())};
  const Blob mac = row_mac(keys_, table, values);
  Row parameters = values;
  parameters.emplace_back(mac);
  DEPUTY_TRY(connection_.run(table.update(), parameters));
  TableDigest& digest = current->table(table.name());
  digest.remove(keys_.digests, row_mac(keys_, table, *old));
  digest.add(keys_.digests, mac);
  return success();
}

Result<void> AuthenticatedRows::erase(const Table& table, const Row& key) {
  DEPUTY_TRY(Inventory * current, inventory_to_change());
  DEPUTY_TRY(const auto old, find(table, key));
  if (!old) return success();
  DEPUTY_TRY(connection_.run(table.erase(), key));
  current->table(table.name()).remove(keys_.digests, row_mac(keys_, table, *old));
  return success();
}

Result<std::optional<Row>> AuthenticatedRows::find(const Table& table, const Row& key) {
  DEPUTY_TRY(auto row, first(table, table.select_by_key(), key));
  // A damaged index must not lead to another row, however authentic.
  if (row && !std::equal(key.begin(), key.end(), row->begin()))
    return Error{ErrorKind::internal, "the database file is damaged: restore it from a backup",
                 fmt::format("looking for row {} of table {} found row {}", key_in_words(table, key),
                             table.name(), key_in_words(table, *row))};
  return row;
}

Result<std::vector<Row>> AuthenticatedRows::select(const Table& table, const std::string& sql,
                                                   const Row& parameters) {
  DEPUTY_TRY(still_open());
  DEPUTY_TRY(auto rows, connection_.query(sql, parameters));
  for (Row& row : rows) {
    DEPUTY_TRY(row, authentic(keys_, table, std::move(row)));
  }
  return rows;
}

Result<std::optional<Row>> AuthenticatedRows::first(const Table& table, const std::string& sql,
                                                    const Row& parameters) {
  DEPUTY_TRY(auto rows, select(table, sql, parameters));
  if (rows.empty()) return std::optional<Row>{};
  return std::optional<Row>{std::move(rows.front())};
}

Result<void> AuthenticatedRows::finish() {
  if (!changed_ || !inventory_) return success();
  DEPUTY_TRY(still_open());
  changed_ = false;
  return inventory_->save(connection_, keys_.sealer);
}

}  // namespace deputy::storage
