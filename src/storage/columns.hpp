#pragma once

#include <fmt/format.h>
#include <optional>
#include <string>
#include <utility>

#include "core/clock.hpp"
#include "core/result.hpp"
#include "registry/model.hpp"
#include "storage/sealing.hpp"
#include "storage/table.hpp"
#include "storage/value.hpp"

// Values to columns and back.
namespace deputy::storage {

inline Value column_of(const std::string& text) {
  return text;
}
inline Value column_of(std::string_view text) {
  return std::string{text};
}
inline Value column_of(bool flag) {
  return std::int64_t{flag ? 1 : 0};
}
inline Value column_of(int number) {
  return std::int64_t{number};
}
inline Value column_of(std::int64_t number) {
  return number;
}
inline Value column_of(Timestamp time) {
  return std::int64_t{time.time_since_epoch().count()};
}
template <class T>
  requires requires(const T& value) { value.text(); }
Value column_of(const T& value) {
  return value.text();
}
template <class T>
Value column_of(const std::optional<T>& value) {
  return value ? column_of(*value) : Value{};
}

// Reads a row's columns in their order. The row is authentic already, so what does not fit its type was
// written by a faulty or older program: `internal`, naming table and column.
class Columns {
 public:
  Columns(const Table& table, const Row& row) : table_(table), row_(row) {}

  Result<std::string> text() { return get<std::string>(); }
  Result<std::int64_t> integer() { return get<std::int64_t>(); }
  Result<Blob> blob() { return get<Blob>(); }
  Result<bool> flag() {
    DEPUTY_TRY(const std::int64_t number, integer());
    return number != 0;
  }
  Result<Timestamp> time() {
    DEPUTY_TRY(const std::int64_t number, integer());
    return Timestamp{std::chrono::microseconds{number}};
  }
  // A type that is made by parsing: an identifier, a name, an ARN.
  template <class T>
  Result<T> parsed() {
    DEPUTY_TRY(const std::string text_, text());
    auto value = T::parse(text_);
    if (!value) return unreadable();
    return std::move(value).value();
  }
  template <class Enum>
  Result<Enum> enumerated() {
    DEPUTY_TRY(const std::string text_, text());
    const auto value = registry::parse_enum<Enum>(text_);
    if (!value) return unreadable();
    return value.value();
  }
  Result<std::string> unsealed(const Sealer& sealer, const SealedPlace& place) {
    DEPUTY_TRY(const Blob sealed, blob());
    return sealer.open(sealed, place);
  }
  template <class T>
  Result<T> unsealed_as(const Sealer& sealer, const SealedPlace& place) {
    DEPUTY_TRY(const std::string text_, unsealed(sealer, place));
    auto value = T::parse(text_);
    if (!value) return unreadable();
    return std::move(value).value();
  }

  // The next column if it is not NULL: `columns.optional([&] { return columns.text(); })`.
  template <class Read>
  auto optional(Read read) -> Result<std::optional<typename decltype(read())::value_type>> {
    using T = typename decltype(read())::value_type;
    if (at_ < row_.size() && std::holds_alternative<std::monostate>(row_[at_])) {
      ++at_;
      return std::optional<T>{};
    }
    DEPUTY_TRY(auto value, read());
    return std::optional<T>{std::move(value)};
  }
  Result<std::optional<std::string>> optional_text() {
    return optional([this] { return text(); });
  }
  Result<std::optional<Timestamp>> optional_time() {
    return optional([this] { return time(); });
  }
  void skip() { ++at_; }

 private:
  template <class T>
  Result<T> get() {
    const std::size_t at = at_++;
    if (at < row_.size()) {
      if (const T* value = std::get_if<T>(&row_[at])) return *value;
    }
    return unreadable();
  }
  Error unreadable() const {
    const std::string_view column =
        at_ > 0 && at_ <= table_.columns().size() ? table_.columns()[at_ - 1] : "?";
    return Error{ErrorKind::internal, "a stored row cannot be read",
                 fmt::format("column {} of table {} has an unexpected value", column, table_.name())};
  }

  const Table& table_;
  const Row& row_;
  std::size_t at_ = 0;
};

}  // namespace deputy::storage
