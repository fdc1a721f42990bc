#include "logs/sinks/file_sink.hpp"

#include "logs/sinks/ndjson.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

namespace deputy::logs {
namespace {

constexpr std::string_view prefix = "deputy-logs-";
constexpr std::string_view lock_name = ".deputy-logs.lock";
constexpr std::size_t number_digits = 10;
constexpr std::size_t chunk_bytes = std::size_t{1024} * 1024;
constexpr int zstd_level = 3;

Error disk_error(int number, std::string_view doing, const std::filesystem::path& file) {
  std::string detail = fmt::format("{} {}: {}", doing, file.string(), std::strerror(number));
  if (number == ENOSPC || number == EDQUOT || number == EFBIG)
    return {ErrorKind::overloaded, "the disk of the log files is full: make room; nothing was lost",
            std::move(detail)};
  return {ErrorKind::internal, "the log files cannot be written: let Deputy's user write their folder",
          std::move(detail)};
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened || ::fsync(opened.get()) != 0) return disk_error(errno, "sync", folder);
  return success();
}

}  // namespace

class FileSink::Compressor {
 public:
  Compressor() { ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, zstd_level); }

  // Appends the text as one whole frame.
  Result<std::string> frame(const std::string& text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    const std::size_t size = ZSTD_compress2(context_.get(), out.data(), out.size(), text.data(), text.size());
    if (ZSTD_isError(size) != 0)
      return Error{ErrorKind::internal, "log records could not be compressed", ZSTD_getErrorName(size)};
    out.resize(size);
    return out;
  }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> context_{ZSTD_createCCtx()};
};

FileSink::FileSink(std::string name, EventLoop& loop, WorkPool& pool, const Clock& clock,
                   FileSinkOptions options)
    : name_(std::move(name)), loop_(loop), pool_(pool), clock_(clock), options_(std::move(options)) {
  if (options_.zstd) compressor_ = std::make_unique<Compressor>();
}
FileSink::~FileSink() = default;

std::filesystem::path FileSink::file(std::uint64_t number) const {
  return options_.directory / fmt::format("{}{:010}.ndjson{}", prefix, number, options_.zstd ? ".zst" : "");
}

Result<FileSink::Place> FileSink::parse(const std::string& beside) {
  Place place;
  if (beside.empty()) return place;
  const char* at = beside.data();
  const char* const end = at + beside.size();
  const auto take = [&](auto& number) {
    const auto [after, failed] = std::from_chars(at, end, number);
    const bool is_last = after == end;
    at = after + (is_last ? 0 : 1);
    return failed == std::errc{} && (is_last || *after == ' ');
  };
  if (!take(place.number) || !take(place.length) || !take(place.begun_ms) || at != end)
    return Error{ErrorKind::internal, "the cursor of a file sink is not one", beside};
  return place;
}

Task<Result<void>> FileSink::open(std::string beside) {
  auto work = [this, beside]() -> Result<void> {
    DEPUTY_TRY(const auto place, parse(beside));
    return open_at(place);
  };
  co_return co_await run_on(pool_, loop_, work);
}

Task<Result<std::string>> FileSink::deliver(std::shared_ptr<const SpoolBatch> batch) {
  auto work = [this, batch] { return write(*batch); };
  co_return co_await run_on(pool_, loop_, work);
}

// Files of both forms count: whoever changes the form goes on with the next number.
Result<std::uint64_t> FileSink::highest_number() const {
  std::uint64_t highest = 0;
  std::error_code code;
  for (std::filesystem::directory_iterator at{options_.directory, code}, end; !code && at != end;
       at.increment(code)) {
    const std::string found = at->path().filename().string();
    if (!found.starts_with(prefix) || found.size() < prefix.size() + number_digits) continue;
    std::uint64_t number = 0;
    const char* const digits = found.data() + prefix.size();
    const auto parsed = std::from_chars(digits, digits + number_digits, number);
    if (parsed.ec == std::errc{} && parsed.ptr == digits + number_digits) highest = std::max(highest, number);
  }
  if (code) return disk_error(code.value(), "read", options_.directory);
  return highest;
}

// Removes what was written after the place that was acknowledged.
Result<void> FileSink::leave_no_other(std::uint64_t number) {
  DEPUTY_TRY(const auto highest, highest_number());
  for (std::uint64_t later = number + 1; later <= highest; ++later) {
    if (::unlink(file(later).c_str()) != 0 && errno != ENOENT)
      return disk_error(errno, "remove", file(later));
  }
  return success();
}

Result<void> FileSink::open_at(const Place& place) {
  current_ = {};
  place_ = place;
  if (::mkdir(options_.directory.c_str(), 0700) != 0 && errno != EEXIST)
    return disk_error(errno, "make", options_.directory);
  DEPUTY_TRY(lock_folder());
  if (place.number == 0) {  // a new cursor: what lies there is another's
    DEPUTY_TRY(const auto highest, highest_number());
    return begin_file(highest + 1);
  }
  DEPUTY_TRY(leave_no_other(place.number));
  FileDescriptor opened{::open(file(place.number).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
  if (!opened) {
    if (errno != ENOENT) return disk_error(errno, "open", file(place.number));
    place_.length = options_.rotate_bytes;  // it was taken away; the next one is begun
    return success();
  }
  struct stat about{};
  if (::fstat(opened.get(), &about) != 0) return disk_error(errno, "look at", file(place.number));
  if (static_cast<std::uint64_t>(about.st_size) < place.length)
    return Error{
        ErrorKind::internal,
        fmt::format(
            "a log file is shorter than what was written and acknowledged: put `{}` back, or remove it "
            "to go on in a new one",
            file(place.number).filename().string()),
        fmt::format("{} of {} bytes", about.st_size, place.length)};
  if (::ftruncate(opened.get(), static_cast<off_t>(place.length)) != 0)
    return disk_error(errno, "cut back", file(place.number));
  current_ = std::move(opened);
  return success();
}

// Two that write into one folder would take each other's files for deliveries that were never acknowledged.
Result<void> FileSink::lock_folder() {
  const std::filesystem::path path = options_.directory / lock_name;
  lock_ = FileDescriptor{};  // a lock that is held already would stand in its own way
  FileDescriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!file) return disk_error(errno, "open", path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return disk_error(errno, "lock", path);
    return Error{
        ErrorKind::conflict,
        "another sink, of this process or another, writes log files into this folder: give each one of "
        "its own",
        options_.directory.string()};
  }
  lock_ = std::move(file);
  return success();
}

Result<void> FileSink::begin_file(std::uint64_t number) {
  FileDescriptor made{::open(file(number).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600)};
  if (!made) return disk_error(errno, "make", file(number));
  DEPUTY_TRY(sync_folder(options_.directory));
  current_ = std::move(made);
  place_ = {number, 0, clock_.now().time_since_epoch() / std::chrono::milliseconds{1}};
  return success();
}

Result<void> FileSink::rotate_if_due() {
  const std::int64_t now_ms = clock_.now().time_since_epoch() / std::chrono::milliseconds{1};
  const bool full = place_.length >= options_.rotate_bytes;
  const bool old = place_.length > 0 && now_ms - place_.begun_ms >= options_.rotate_after.count();
  if (current_ && !full && !old) return success();
  if (current_ && ::fdatasync(current_.get()) != 0) return disk_error(errno, "sync", file(place_.number));
  return begin_file(place_.number + 1);
}

Result<void> FileSink::append(const std::string& lines) {
  std::string compressed;
  if (compressor_) {
    DEPUTY_TRY(compressed, compressor_->frame(lines));
  }
  const std::string& bytes = compressor_ ? compressed : lines;
  if (!write_all(current_.get(), bytes)) return disk_error(errno, "write", file(place_.number));
  place_.length += bytes.size();
  return success();
}

Result<std::string> FileSink::write(const SpoolBatch& batch) {
  // Once for all of it. Were a file begun in its middle, the one before it could be taken away with records
  // that are not acknowledged yet, and would come again after a crash.
  DEPUTY_TRY(rotate_if_due());
  lines_.clear();
  for (const SpooledPage& spooled : batch.pages) {
    append_ndjson(lines_, spooled.page.origin, spooled.page.records);
    if (lines_.size() < chunk_bytes) continue;
    DEPUTY_TRY(append(lines_));
    lines_.clear();
  }
  if (!lines_.empty()) {
    DEPUTY_TRY(append(lines_));
  }
  if (current_ && ::fdatasync(current_.get()) != 0) return disk_error(errno, "sync", file(place_.number));
  return place();
}

std::string FileSink::place() const {
  return fmt::format("{} {} {}", place_.number, place_.length, place_.begun_ms);
}

}  // namespace deputy::logs
