#pragma once

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace deputy::scan {

struct CsvRecord {
  std::size_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

// Reads comma-separated values as RFC 4180 has them, one record at a time, from a file of any length: fields
// in double quotes may hold commas, line breaks and doubled quotes; lines end with CR LF or LF; a byte order
// mark at the start is skipped, and so are blank lines. Strict: a stray quote, something behind a closing
// quote, a quote that is never closed, a NUL, a record beyond the bounds are errors (`invalid_request`) that
// name the line. Keeps a running SHA-256 of the bytes that it took. Memory is bounded by one record.
class CsvReader {
 public:
  static constexpr std::size_t record_bytes_max = 16 * 1024;
  static constexpr std::size_t fields_max = 64;

  // `file` outlives the reader and is read from where it stands.
  explicit CsvReader(std::FILE* file);
  ~CsvReader();
  CsvReader(CsvReader&&) noexcept;

  // nullopt at the end. After an error there is nothing more.
  Result<std::optional<CsvRecord>> next();
  // Of everything read so far; of the whole file once the end was reached.
  std::string sha256_hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deputy::scan
