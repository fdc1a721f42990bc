#include "scan/resume_file.hpp"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "json/reader.hpp"

namespace deputy::scan {
namespace {

constexpr std::size_t line_bytes_max = 64 * 1024;
constexpr std::size_t pending_bytes_max = 64 * 1024;

std::string header_of(const Survey& fleet) {
  return boost::json::serialize(
             boost::json::object{{"deputy_scan", 1}, {"fleet_sha256", fleet.sha256}, {"rows", fleet.rows}}) +
         "\n";
}

std::string text_of(const json::Value& line, std::string_view name) {
  const json::Value* value = line.find(name);
  return value != nullptr && value->is(json::Kind::string) ? value->text : std::string{};
}

// nullopt: not a line that was written here.
bool read_result(std::string_view line, Results& results) {
  const auto read = json::read(line, {.bytes_max = line_bytes_max, .depth_max = 2, .values_max = 16});
  if (!read) return false;
  const json::Value* row = read.value().find("row");
  std::size_t number = 0;
  if (row == nullptr || !row->is(json::Kind::number)) return false;
  const auto [end, error] = std::from_chars(row->text.data(), row->text.data() + row->text.size(), number);
  if (error != std::errc{} || end != row->text.data() + row->text.size() || number >= results.rows())
    return false;
  RowResult result;
  const std::string outcome = text_of(read.value(), "outcome");
  for (const auto one : {RowOutcome::passed, RowOutcome::failed, RowOutcome::inconclusive})
    if (outcome == to_text(one)) result.outcome = one;
  if (result.outcome == RowOutcome::none) return false;
  for (const auto one : {registry::Proof::proved, registry::Proof::probed})
    if (text_of(read.value(), "proof") == registry::to_text(one)) result.proof = one;
  results.record(number, result,
                 {.check = text_of(read.value(), "check"),
                  .message = text_of(read.value(), "message"),
                  .mend = text_of(read.value(), "mend")});
  return true;
}

// Reads a file line by line.
class Lines {
 public:
  explicit Lines(int descriptor) : descriptor_(descriptor) {}

  // The next whole line; false at the end. What is behind the last line end is no line.
  bool next(std::string& line) {
    for (;;) {
      if (const std::size_t end = text_.find('\n', at_); end != std::string::npos) {
        line = text_.substr(at_, end - at_);
        whole_ += static_cast<off_t>(end - at_ + 1);
        at_ = end + 1;
        return true;
      }
      text_.erase(0, std::exchange(at_, 0));
      if (text_.size() > line_bytes_max) return false;
      std::array<char, 16 * 1024> buffer{};
      const ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      text_.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  off_t whole() const { return whole_; }  // bytes of whole lines
  bool is_too_long() const { return text_.size() > line_bytes_max; }

 private:
  int descriptor_;
  std::string text_;
  std::size_t at_ = 0;
  off_t whole_ = 0;
};

}  // namespace

Error ResumeFile::failed(std::string_view doing, int code) const {
  return {ErrorKind::invalid_request,
          fmt::format("cannot {} the state file {}: {}", doing, in_backticks(path_.native()),
                      std::generic_category().message(code))};
}

Result<ResumeFile> ResumeFile::open(const std::filesystem::path& path, const Survey& fleet,
                                    Results& results) {
  ResumeFile file{path, FileDescriptor{::open(path.c_str(), O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC,
                                              S_IRUSR | S_IWUSR)}};
  if (!file.descriptor_) return file.failed("open", errno);
  struct stat status{};
  if (::fstat(file.descriptor_.get(), &status) != 0) return file.failed("look at", errno);
  if (!S_ISREG(status.st_mode))
    return Error{ErrorKind::invalid_request, in_backticks(path.native()) + " is not a regular file"};
  if (::flock(file.descriptor_.get(), LOCK_EX | LOCK_NB) != 0)
    return Error{ErrorKind::conflict, "another scan is using " + in_backticks(path.native())};
  DEPUTY_TRY(file.read_into(fleet, results));
  return file;
}

Result<void> ResumeFile::read_into(const Survey& fleet, Results& results) {
  Lines lines{descriptor_.get()};
  std::string line;
  if (!lines.next(line)) {
    // Nothing, or a header that a crash cut. Anything else is somebody's file.
    struct stat status{};
    if (::fstat(descriptor_.get(), &status) != 0) return failed("look at", errno);
    std::string begun(static_cast<std::size_t>(std::min<off_t>(status.st_size, 4096)), '\0');
    const ssize_t got = ::pread(descriptor_.get(), begun.data(), begun.size(), 0);
    if (got < 0 || static_cast<std::size_t>(status.st_size) != begun.size() ||
        !header_of(fleet).starts_with(begun))
      return Error{ErrorKind::invalid_request, in_backticks(path_.native()) + " is not the state of a scan"};
    if (::ftruncate(descriptor_.get(), 0) != 0 || ::lseek(descriptor_.get(), 0, SEEK_SET) != 0)
      return failed("write", errno);
    DEPUTY_TRY(write(header_of(fleet)));
    return flush();
  }
  if (!line.starts_with(R"({"deputy_scan":1,)"))
    return Error{ErrorKind::invalid_request, in_backticks(path_.native()) + " is not the state of a scan"};
  if (line + "\n" != header_of(fleet))
    return Error{ErrorKind::conflict,
                 in_backticks(path_.native()) +
                     " is the state of a scan of another fleet: was the CSV changed since? "
                     "Name a new state file to begin anew"};
  for (std::size_t number = 2; lines.next(line); ++number) {
    if (!read_result(line, results))
      return Error{ErrorKind::invalid_request,
                   fmt::format("{}, line {}: not a result of this scan; name a new state file to begin anew",
                               in_backticks(path_.native()), number)};
  }
  if (lines.is_too_long())
    return Error{ErrorKind::invalid_request, in_backticks(path_.native()) + " is not the state of a scan"};
  // What a crash left half written goes, so that the next line stands alone.
  if (::ftruncate(descriptor_.get(), lines.whole()) != 0 ||
      ::lseek(descriptor_.get(), lines.whole(), SEEK_SET) < 0)
    return failed("write", errno);
  return success();
}

Result<void> ResumeFile::write(std::string_view text) {
  if (!write_all(descriptor_.get(), text)) return failed("write", errno);
  return success();
}

Result<void> ResumeFile::append(std::size_t row, const RowResult& result, const Finding& finding) {
  boost::json::object line{
      {"row", row}, {"outcome", to_text(result.outcome)}, {"proof", registry::to_text(result.proof)}};
  if (!finding.check.empty()) {
    line["check"] = finding.check;
    line["message"] = finding.message;
    if (!finding.mend.empty()) line["mend"] = finding.mend;
  }
  pending_ += boost::json::serialize(line) + "\n";
  if (pending_.size() > pending_bytes_max) return flush();
  return success();
}

Result<void> ResumeFile::flush() {
  DEPUTY_TRY(write(std::exchange(pending_, {})));
  if (::fdatasync(descriptor_.get()) != 0) return failed("write", errno);
  return success();
}

Result<void> ResumeFile::append_all(const Results& results) {
  for (std::size_t row = 0; row < results.rows(); ++row) {
    const RowResult& result = results.of(row);
    if (result.outcome == RowOutcome::none) continue;
    DEPUTY_TRY(append(row, result, results.finding(result)));
  }
  return flush();
}

}  // namespace deputy::scan
