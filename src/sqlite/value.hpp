#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace deputy::sqlite {

// Bytes of a BLOB column.
struct Blob {
  std::string bytes;
  friend auto operator<=>(const Blob&, const Blob&) = default;
};

// One column's value. NULL is monostate.
using Value = std::variant<std::monostate, std::int64_t, std::string, Blob>;
// A row's values in its table's column order, or the parameters of a statement in theirs.
using Row = std::vector<Value>;

}  // namespace deputy::sqlite
