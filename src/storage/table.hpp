#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace deputy::storage {

// A table whose rows are authenticated: its name and columns, the primary key's first, without the last one
// (`mac`). The texts of its statements are made once, from constants alone.
class Table {
 public:
  Table(std::string_view name, std::size_t key_columns, std::initializer_list<std::string_view> columns);

  std::string_view name() const { return name_; }
  std::size_t key_columns() const { return key_columns_; }
  std::span<const std::string_view> columns() const { return columns_; }

  // `SELECT …all columns, mac… FROM table ` and what comes after it.
  std::string select(std::string_view rest) const { return select_ + std::string{rest}; }
  const std::string& select_by_key() const { return select_by_key_; }
  const std::string& insert() const { return insert_; }  // parameters: the columns, mac
  const std::string& update() const { return update_; }  // parameters: the columns, mac
  const std::string& erase() const { return erase_; }    // parameters: the key

 private:
  std::string_view name_;
  std::size_t key_columns_;
  std::vector<std::string_view> columns_;
  std::string select_, select_by_key_, insert_, update_, erase_;
};

namespace tables {
extern const Table meta, tenants, integrations, issued_external_ids, connections, verifications, requests,
    workloads, keys, connect_sessions, webhook_events, issuances, idempotency;
}

// All of them: what the inventory counts and check_integrity walks.
std::span<const Table* const> authenticated_tables();

}  // namespace deputy::storage
