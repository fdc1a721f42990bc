#pragma once

#include "scan/results.hpp"

#include <filesystem>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "core/file_descriptor.hpp"
#include "core/identifiers.hpp"
#include "core/result.hpp"

namespace deputy::scan {

// What a scan found so far, so that another one can go on: one line of JSON a result with the time it was
// found out, behind a line that says of which fleet, from which Region, for which principal and since when.
// Holds row numbers, not names or ARNs of customers; private (0600). Appended as results come and made
// durable in batches; a last line that a crash cut is dropped. One scan at a time uses it (flock). Blocking.
class ResumeFile {
 public:
  // Opens it, or makes it; reads what is there into `results`, as of earlier runs. `conflict`: another
  // fleet's (the CSV was changed) or another Region's, of an older Deputy, or in use; `forbidden`: others
  // could have written it; `invalid_request`: not such a file, or it cannot be read.
  static Result<ResumeFile> open(const std::filesystem::path& path, const Survey& fleet, const Region& region,
                                 Results& results);

  // Before anything is appended, once it is known whom the roles are to trust (nullopt: nobody is known, and
  // the trust policies are not judged). `conflict`: what is there was found out for another one.
  Result<void> begin(const std::optional<RoleArn>& principal, Timestamp now);
  Result<void> append(std::size_t row, const RowResult& result, const Finding& finding);
  // Makes durable what was appended.
  Result<void> flush();
  // Everything in `results`, for a file that was opened late.
  Result<void> append_all(const Results& results);

 private:
  ResumeFile(std::filesystem::path path, FileDescriptor descriptor, std::string header)
      : path_(std::move(path)), descriptor_(std::move(descriptor)), header_(std::move(header)) {}
  Result<void> check_private() const;
  Result<void> read_into(const Survey& fleet, Results& results);
  Result<void> read_header(const std::string& line, const Survey& fleet);
  Result<void> drop_cut_header();
  Result<void> write(std::string_view text);
  Error failed(std::string_view doing, int code) const;

  std::filesystem::path path_;
  FileDescriptor descriptor_;
  std::string header_;                    // as far as it is known before the principal is
  std::optional<std::string> principal_;  // as text, of what is there; empty: of nobody. nullopt: all is new
  std::string began_at_;
  std::string pending_;
};

}  // namespace deputy::scan
