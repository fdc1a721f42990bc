#pragma once

#include "scan/results.hpp"

#include <filesystem>
#include <string>

#include "core/file_descriptor.hpp"
#include "core/result.hpp"

namespace deputy::scan {

// What a scan found so far, so that another one can go on: one line of JSON a result, behind a line that says
// of which fleet. Holds row numbers, not names or ARNs; private (0600). Appended as results come and made
// durable in batches; a last line that a crash cut is dropped. One scan at a time uses it (flock). Blocking.
class ResumeFile {
 public:
  // Opens it, or makes it; reads what is there into `results`. `conflict`: another fleet's (the CSV was
  // changed), or in use; `invalid_request`: not such a file, or it cannot be read.
  static Result<ResumeFile> open(const std::filesystem::path& path, const Survey& fleet, Results& results);

  Result<void> append(std::size_t row, const RowResult& result, const Finding& finding);
  // Makes durable what was appended.
  Result<void> flush();
  // Everything in `results`, for a file that was opened late.
  Result<void> append_all(const Results& results);

 private:
  ResumeFile(std::filesystem::path path, FileDescriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)) {}
  Result<void> read_into(const Survey& fleet, Results& results);
  Result<void> write(std::string_view text);
  Error failed(std::string_view doing, int code) const;

  std::filesystem::path path_;
  FileDescriptor descriptor_;
  std::string pending_;
};

}  // namespace deputy::scan
