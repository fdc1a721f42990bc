#include "scan/resume_file.hpp"

#include <algorithm>
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

#include "core/assert.hpp"
#include "json/reader.hpp"

namespace deputy::scan {
namespace {

constexpr std::size_t line_bytes_max = 64 * 1024;
constexpr std::size_t pending_bytes_max = 64 * 1024;

// The header without what comes last, which is known later: `,"principal":…,"began_at":…}`.
std::string header_begin_of(const Survey& fleet, const Region& region) {
  std::string begin = boost::json::serialize(boost::json::object{
      {"deputy_scan", 2}, {"fleet_sha256", fleet.sha256}, {"rows", fleet.rows}, {"region", region.text()}});
  begin.pop_back();
  return begin;
}

Error refusal(const std::filesystem::path& path, ErrorKind kind, std::string_view why) {
  return {kind, in_backticks(path.native()) + " " + std::string{why}};
}

Error no_state(const std::filesystem::path& path) {
  return refusal(path, ErrorKind::invalid_request, "is not the state of a scan");
}

Error of_another(const std::filesystem::path& path, const std::string& what) {
  return refusal(path, ErrorKind::conflict,
                 "is the state of a scan " + what + " Name a new state file to begin anew");
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
  const auto at = parse_rfc3339(text_of(read.value(), "at"));
  if (!at) return false;
  result.verified_at = at.value();
  result.is_earlier = true;
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
                                    const Region& region, Results& results) {
  ResumeFile file{
      path,
      FileDescriptor{::open(path.c_str(), O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, S_IRUSR | S_IWUSR)},
      header_begin_of(fleet, region)};
  if (!file.descriptor_) return file.failed("open", errno);
  DEPUTY_TRY(file.check_private());
  if (::flock(file.descriptor_.get(), LOCK_EX | LOCK_NB) != 0)
    return Error{ErrorKind::conflict, "another scan is using " + in_backticks(path.native())};
  DEPUTY_TRY(file.read_into(fleet, results));
  return file;
}

// Whoever may write to it could say of any role that it passed.
Result<void> ResumeFile::check_private() const {
  struct stat status{};
  if (::fstat(descriptor_.get(), &status) != 0) return failed("look at", errno);
  if (!S_ISREG(status.st_mode)) return refusal(path_, ErrorKind::invalid_request, "is not a regular file");
  if (status.st_uid != ::geteuid())
    return refusal(
        path_, ErrorKind::forbidden,
        "belongs to another user, who could say in it that roles passed. Name a state file of your own");
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return refusal(
        path_, ErrorKind::forbidden,
        fmt::format("can be written by other users, who could say in it that roles passed: its mode "
                    "is {:04o}. Name a new state file to begin anew",
                    status.st_mode & 07777U));
  return success();
}

Result<void> ResumeFile::read_into(const Survey& fleet, Results& results) {
  Lines lines{descriptor_.get()};
  std::string line;
  if (!lines.next(line)) return drop_cut_header();
  DEPUTY_TRY(read_header(line, fleet));
  for (std::size_t number = 2; lines.next(line); ++number) {
    if (!read_result(line, results))
      return Error{ErrorKind::invalid_request,
                   fmt::format("{}, line {}: not a result of this scan; name a new state file to begin anew",
                               in_backticks(path_.native()), number)};
  }
  if (lines.is_too_long()) return no_state(path_);
  // What a crash left half written goes, so that the next line stands alone.
  if (::ftruncate(descriptor_.get(), lines.whole()) != 0 ||
      ::lseek(descriptor_.get(), lines.whole(), SEEK_SET) < 0)
    return failed("write", errno);
  return success();
}

Result<void> ResumeFile::read_header(const std::string& line, const Survey& fleet) {
  if (line.starts_with(R"({"deputy_scan":1,)"))
    return of_another(path_, "of an older Deputy, which did not note when and for whom a role was verified.");
  const auto header = json::read(line, {.bytes_max = line_bytes_max, .depth_max = 2, .values_max = 16});
  if (!line.starts_with(R"({"deputy_scan":2,)") || !header) return no_state(path_);
  const json::Value* const rows = header.value().find("rows");
  const json::Value* const principal = header.value().find("principal");
  began_at_ = text_of(header.value(), "began_at");
  if (rows == nullptr || principal == nullptr || !parse_rfc3339(began_at_)) return no_state(path_);
  if (text_of(header.value(), "fleet_sha256") != fleet.sha256 || rows->text != std::to_string(fleet.rows))
    return of_another(path_, "of another fleet: was the CSV changed since?");
  if (!line.starts_with(header_))
    return of_another(path_, fmt::format("from another Region, {}, begun at {}.",
                                         in_backticks(text_of(header.value(), "region")), began_at_));
  principal_ = text_of(header.value(), "principal");
  return success();
}

// Nothing is there, or a header that a crash cut. Anything else is somebody's file.
Result<void> ResumeFile::drop_cut_header() {
  struct stat status{};
  if (::fstat(descriptor_.get(), &status) != 0) return failed("look at", errno);
  std::string begun(static_cast<std::size_t>(std::min<off_t>(status.st_size, 4096)), '\0');
  const ssize_t got = ::pread(descriptor_.get(), begun.data(), begun.size(), 0);
  if (got < 0 || static_cast<std::size_t>(status.st_size) != begun.size() ||
      !(header_.starts_with(begun) || begun.starts_with(header_)))
    return no_state(path_);
  if (::ftruncate(descriptor_.get(), 0) != 0 || ::lseek(descriptor_.get(), 0, SEEK_SET) != 0)
    return failed("write", errno);
  return success();
}

Result<void> ResumeFile::begin(const std::optional<RoleArn>& principal, Timestamp now) {
  const std::string named = principal ? principal->text() : std::string{};
  if (principal_) {
    const auto in_words = [](const std::string& arn) { return arn.empty() ? "nobody" : in_backticks(arn); };
    if (*principal_ == named) return success();
    return of_another(path_,
                      fmt::format("for another principal: it held the trust policies against {} when it "
                                  "began at {}, this one does against {}.",
                                  in_words(*principal_), began_at_, in_words(named)));
  }
  principal_ = named;
  const boost::json::value to_json = principal ? boost::json::value(named) : boost::json::value(nullptr);
  DEPUTY_TRY(write(fmt::format("{},\"principal\":{},\"began_at\":\"{}\"}}\n", header_,
                               boost::json::serialize(to_json), to_rfc3339(now))));
  return flush();
}

Result<void> ResumeFile::write(std::string_view text) {
  if (!write_all(descriptor_.get(), text)) return failed("write", errno);
  return success();
}

Result<void> ResumeFile::append(std::size_t row, const RowResult& result, const Finding& finding) {
  DEPUTY_ASSERT(principal_.has_value());  // begin
  boost::json::object line{{"row", row},
                           {"outcome", to_text(result.outcome)},
                           {"proof", registry::to_text(result.proof)},
                           {"at", to_rfc3339(result.verified_at)}};
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
