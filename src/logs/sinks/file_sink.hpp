#pragma once

#include "logs/sink.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/file_descriptor.hpp"
#include "core/work_pool.hpp"

namespace deputy::logs {

struct FileSinkOptions {
  std::filesystem::path directory;  // made when missing, for its owner alone
  bool zstd = false;
  std::uint64_t rotate_bytes = std::uint64_t{256} * 1024 * 1024;   // of the file as it lies on disk
  std::chrono::milliseconds rotate_after = std::chrono::hours{1};  // since its first record
};

// NDJSON files `deputy-logs-0000000001.ndjson` (`.ndjson.zst`), exactly once: the cursor holds number and
// length of the file that it has come to. When the sink is opened, the file is cut back to that length, and
// files with higher numbers, of a delivery that was never acknowledged, are removed. With zstd each delivery
// is frames of its own, so a length is always a frame's end.
//
// While it is open no other sink of files, of whatever process, writes into its folder: a lock says so.
//
// A file is changed only at its end and, once there is one with a higher number, no more: it can be taken
// away. A delivery lies in one file. Writes and syncs on `pool`. All outlive the sink.
class FileSink final : public Sink {
 public:
  FileSink(std::string name, EventLoop& loop, WorkPool& pool, const Clock& clock, FileSinkOptions options);
  ~FileSink() override;

  const std::string& name() const override { return name_; }
  Task<Result<void>> open(std::string beside) override;
  Task<Result<std::string>> deliver(std::shared_ptr<const SpoolBatch> batch) override;
  std::string place() const override;

 private:
  struct Place {
    std::uint64_t number = 0;  // 0: no file yet
    std::uint64_t length = 0;
    std::int64_t begun_ms = 0;
  };
  class Compressor;

  static Result<Place> parse(const std::string& beside);
  std::filesystem::path file(std::uint64_t number) const;
  Result<void> open_at(const Place& place);
  Result<void> lock_folder();
  Result<void> leave_no_other(std::uint64_t number);
  Result<std::uint64_t> highest_number() const;
  Result<std::string> write(const SpoolBatch& batch);
  Result<void> rotate_if_due();
  Result<void> begin_file(std::uint64_t number);
  Result<void> append(const std::string& lines);

  const std::string name_;
  EventLoop& loop_;
  WorkPool& pool_;
  const Clock& clock_;
  const FileSinkOptions options_;
  std::unique_ptr<Compressor> compressor_;
  Place place_;
  FileDescriptor current_, lock_;
  std::string lines_;
};

}  // namespace deputy::logs
