#pragma once

#include "scan/csv_reader.hpp"

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/identifiers.hpp"
#include "core/result.hpp"

namespace deputy::scan {

// One role of a fleet.
struct FleetRow {
  std::size_t number = 0;  // from 0, blank lines not counted
  std::size_t line = 0;
  std::string name;  // any bytes but NUL: shown only through safe_text.hpp
  RoleArn role_arn;
  ExternalId external_id;
};

// A fleet as CSV with a header: the columns `name`, `role_arn`, `external_id` in any order, others ignored.
class FleetReader {
 public:
  static constexpr std::size_t rows_max = 2'000'000;
  static constexpr std::size_t name_bytes_max = 256;

  // Reads the header. `file` outlives the reader. Errors name the line.
  static Result<FleetReader> open(std::FILE* file);

  // nullopt at the end. After an error that is about one row's content (`can_go_on`) the next row may be
  // asked for.
  Result<std::optional<FleetRow>> next();
  bool can_go_on() const { return can_go_on_; }
  std::string sha256_hex() const { return csv_.sha256_hex(); }

 private:
  struct Columns {
    std::size_t name, role_arn, external_id, count;
  };
  FleetReader(CsvReader csv, Columns columns) : csv_(std::move(csv)), columns_(columns) {}
  static Result<Columns> read_header(const CsvRecord& record);
  Result<FleetRow> parse(const CsvRecord& record) const;

  CsvReader csv_;
  Columns columns_;
  std::size_t rows_ = 0;
  bool can_go_on_ = false;
};

// What a first reading of the whole file tells, before anything is called.
struct Survey {
  static constexpr std::size_t listed_max = 20;
  std::size_t rows = 0;
  std::string sha256;
  std::vector<std::string> problems;  // the first ones; a file with any is not scanned
  std::size_t problem_count = 0;
  std::vector<std::string>
      notes;  // the first ones: repeated rows, an external ID that several customers have
  std::size_t note_count = 0;
  std::optional<Partition> partition;  // of the first role
};

// Reads the file to its end and back to its start. `partition`: what the Region to call belongs to; else the
// first role's. Roles of another one are problems.
Result<Survey> survey(std::FILE* file, std::optional<Partition> partition);

}  // namespace deputy::scan
