#include "client/profile_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>

#include "aws/shared_files.hpp"
#include "core/ascii.hpp"
#include "core/file_descriptor.hpp"
#include "core/secret.hpp"

namespace deputy::client {
namespace {

constexpr std::size_t file_bytes_max = 1024 * 1024;
constexpr std::size_t name_length_max = 64;
constexpr std::string_view white = " \t\r\n";

using Sections = std::map<std::string, std::map<std::string, std::string>>;

bool is_letter_or_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(white);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white) - begin + 1);
}

bool is_indented(std::string_view line) {
  return line.starts_with(' ') || line.starts_with('\t');
}

bool is_header(std::string_view line) {
  return line.starts_with('[');
}

// Is this the header of the profile? `[profile NAME]`, the name perhaps in quotes; `[default]`.
bool is_header_of(std::string_view line, const std::string& name) {
  const std::size_t end = line.find(']');
  if (!is_header(line) || end == std::string_view::npos) return false;
  std::string_view inner = trim(line.substr(1, end - 1));
  if (inner == "default") return name == "default";
  const std::size_t space = inner.find_first_of(white);
  if (space == std::string_view::npos || inner.substr(0, space) != "profile") return false;
  inner = trim(inner.substr(space));
  if (inner.size() >= 2 && (inner.front() == '"' || inner.front() == '\'') && inner.back() == inner.front())
    inner = inner.substr(1, inner.size() - 2);
  return inner == name;
}

// The name of the setting that a line begins; empty for comments, blank and indented lines.
std::string setting_of(std::string_view line) {
  const std::string_view content = trim(line);
  if (content.empty() || is_indented(line) || content.front() == '#' || content.front() == ';') return {};
  return to_lower(trim(content.substr(0, content.find('='))));
}

// With their line ends.
std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    lines.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return lines;
}

// Did Deputy write it? The command is `…/deputy credentials …`.
bool is_deputys(const std::string& credential_process) {
  std::string_view rest = credential_process;
  std::string_view program = rest.substr(0, rest.find(' '));
  if (rest.starts_with('"')) program = rest.substr(1, std::min(rest.find('"', 1), rest.size()) - 1);
  rest.remove_prefix(std::min(rest.size(), rest.find(program) + program.size()));
  if (rest.starts_with('"')) rest.remove_prefix(1);
  return (program == "deputy" || program.ends_with("/deputy")) && trim(rest).starts_with("credentials ");
}

void wipe_all(Sections& sections) {
  for (auto& [name, settings] : sections) {
    for (auto& [setting, value] : settings) wipe(value);
  }
}

Result<void> check_may_change(const Sections& sections, const WantedProfile& wanted,
                              const std::string& file) {
  const auto found = sections.find(wanted.name);
  if (found == sections.end() || found->second.empty() || wanted.replace_foreign) return success();
  const auto process = found->second.find("credential_process");
  if (process != found->second.end() && is_deputys(process->second)) return success();
  return Error{
      ErrorKind::conflict,
      fmt::format("{} has a profile {} that is not Deputy's; choose another --name, or --force to replace it",
                  in_backticks(file), in_backticks(wanted.name))};
}

// What the profile's section is to hold, in place of lines [begin, end): what is Deputy's is set, what a
// foreign profile had goes, all else stays.
std::vector<std::string> edit_section(std::vector<std::string> lines, const WantedProfile& wanted,
                                      bool is_foreign, const std::string& line_end) {
  std::vector<std::string> edited;
  const std::string process = "credential_process = " + wanted.credential_process + line_end;
  const std::string region = wanted.region ? "region = " + *wanted.region + line_end : std::string{};
  const auto is_setting = [&lines](std::size_t i, std::string_view name) {
    return setting_of(lines[i]) == name;
  };
  if (!lines.front().ends_with('\n')) lines.front() += line_end;
  edited.push_back(lines.front());
  if (is_foreign) edited.push_back(process);
  bool has_region = false;
  bool dropping = false;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const bool begins_setting = !setting_of(lines[i]).empty();
    if (begins_setting) dropping = is_foreign && !is_setting(i, "region");
    if (dropping && (begins_setting || is_indented(lines[i]))) continue;
    if (is_setting(i, "credential_process")) {
      edited.push_back(process);
    } else if (is_setting(i, "region") && wanted.region) {
      edited.push_back(region);
      has_region = true;
    } else {
      edited.push_back(lines[i]);
    }
  }
  if (wanted.region && !has_region) {
    const auto at = std::ranges::find(edited, process);
    edited.insert(at + 1, region);
  }
  return edited;
}

// A program that would read another file out of it than the one that was asked for must not be given it.
Result<void> check_outcome(Sections before, const std::string& text, const WantedProfile& wanted,
                           const std::string& file) {
  DEPUTY_TRY(auto after, aws::parse_shared_file(text, aws::SharedFileKind::config, file));
  const bool is_set = after[wanted.name]["credential_process"] == wanted.credential_process &&
                      (!wanted.region || after[wanted.name]["region"] == *wanted.region);
  before.erase(wanted.name);
  after.erase(wanted.name);
  const bool others_are_kept = before == after;
  wipe_all(before);
  wipe_all(after);
  if (is_set && others_are_kept) return success();
  return Error{ErrorKind::internal, in_backticks(file) +
                                        " is written in a way that cannot be edited safely; "
                                        "add the profile by hand"};
}

Error file_error(std::string_view doing, const std::string& path, int code) {
  return {ErrorKind::invalid_request,
          fmt::format("cannot {} {}: {}", doing, in_backticks(path), std::generic_category().message(code))};
}

Result<std::string> read_all(const FileDescriptor& file, const std::string& path) {
  std::string text(file_bytes_max + 1, '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t count = ::pread(file.get(), text.data() + got, text.size() - got, static_cast<off_t>(got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error("read", path, errno);
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  if (got > file_bytes_max)
    return Error{ErrorKind::invalid_request, in_backticks(path) + " is larger than a mebibyte"};
  text.resize(got);
  return text;
}

// Open and locked; what is locked is what the path names, also after others replaced it.
Result<FileDescriptor> open_locked(const std::string& path) {
  for (;;) {
    FileDescriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    if (!file) return file_error("open", path, errno);
    while (::flock(file.get(), LOCK_EX) != 0) {
      if (errno != EINTR) return file_error("lock", path, errno);
    }
    struct stat locked{};
    struct stat named{};
    if (::fstat(file.get(), &locked) != 0) return file_error("look at", path, errno);
    if (!S_ISREG(locked.st_mode))
      return Error{ErrorKind::invalid_request, in_backticks(path) + " is not a regular file"};
    if (::stat(path.c_str(), &named) == 0 && locked.st_ino == named.st_ino && locked.st_dev == named.st_dev)
      return file;
  }
}

Result<void> replace_file(const FileDescriptor& old, const std::string& path, const std::string& text) {
  struct stat status{};
  if (::fstat(old.get(), &status) != 0) return file_error("look at", path, errno);
  std::string draft = path + ".XXXXXX";
  const FileDescriptor file{::mkostemp(draft.data(), O_CLOEXEC)};
  if (!file) return file_error("write beside", path, errno);
  // The owner first: a change of owner may clear bits of the mode. Only root can give a file away, and need.
  const bool owner_is_kept =
      status.st_uid == ::geteuid() || ::fchown(file.get(), status.st_uid, status.st_gid) == 0;
  if (owner_is_kept && ::fchmod(file.get(), status.st_mode & 07777U) == 0 && write_all(file.get(), text) &&
      ::fsync(file.get()) == 0 && ::rename(draft.c_str(), path.c_str()) == 0)
    return success();
  const int code = errno;
  ::unlink(draft.c_str());
  return file_error("write", path, code);
}

// Static keys of the same name in the other file come first in the SDKs.
Result<void> check_credentials_file(const std::string& path, const std::string& name) {
  const FileDescriptor file{path.empty() ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return success();
  DEPUTY_TRY(auto text, read_all(file, path));
  auto sections = aws::parse_shared_file(text, aws::SharedFileKind::credentials, path);
  wipe(text);
  if (!sections) return success();  // not ours to judge
  const bool is_there = sections.value().contains(name);
  wipe_all(sections.value());
  if (!is_there) return success();
  return Error{ErrorKind::conflict,
               fmt::format("{} has a profile {} too, and its keys would win; choose another --name",
                           in_backticks(path), in_backticks(name))};
}

// Where a symbolic link leads, so that the link itself stays.
std::string resolved(const std::string& path) {
  std::error_code none;
  const auto target = std::filesystem::canonical(path, none);
  return none ? path : target.native();
}

}  // namespace

Result<void> check_profile_name(const std::string& name) {
  const bool is_plain =
      !name.empty() && name.size() <= name_length_max && name.front() != '-' &&
      std::ranges::all_of(name, [](char c) {
        return is_letter_or_digit(c) || std::string_view{"_-@+.%:/"}.find(c) != std::string_view::npos;
      });
  if (is_plain) return success();
  return Error{
      ErrorKind::invalid_request,
      fmt::format("{} is no name for a profile: 1 to {} letters, digits and `_-@+.%:/`, no hyphen first",
                  in_backticks(name), name_length_max)};
}

Result<std::string> command_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    const bool is_plain = !word.empty() && std::ranges::all_of(word, [](char c) {
      return is_letter_or_digit(c) || std::string_view{"_-./:,@%+="}.find(c) != std::string_view::npos;
    });
    const bool can_be_quoted = std::ranges::none_of(word, [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte < 0x20 || byte == 0x7f || std::string_view{"\"'$`\\!#;"}.find(c) != std::string_view::npos;
    });
    if (!can_be_quoted)
      return Error{
          ErrorKind::invalid_request,
          fmt::format("{} cannot stand in a credential_process for every SDK: no quotes, `$`, backquotes, "
                      "backslashes, `!`, `#`, `;` or control characters",
                      in_backticks(word))};
    line += is_plain ? word : '"' + word + '"';
  }
  return line;
}

Result<std::string> with_profile(const std::string& text, const WantedProfile& wanted,
                                 const std::string& file) {
  DEPUTY_TRY(auto before, aws::parse_shared_file(text, aws::SharedFileKind::config, file));
  DEPUTY_TRY(check_may_change(before, wanted, file));
  const std::string line_end = text.find("\r\n") != std::string::npos ? "\r\n" : "\n";
  const std::vector<std::string> lines = split_lines(text);
  const auto is_ours = [&wanted](const std::string& line) { return is_header_of(line, wanted.name); };
  if (std::ranges::count_if(lines, is_ours) > 1)
    return Error{ErrorKind::conflict, fmt::format("{} has the profile {} twice; make it one",
                                                  in_backticks(file), in_backticks(wanted.name))};

  std::string edited;
  const auto begin = std::ranges::find_if(lines, is_ours);
  if (begin == lines.end()) {
    edited = text;
    if (!edited.empty() && !edited.ends_with('\n')) edited += line_end;
    if (!edited.empty()) edited += line_end;
    edited += (wanted.name == "default" ? "[default]" : "[profile " + wanted.name + "]") + line_end +
              "credential_process = " + wanted.credential_process + line_end;
    if (wanted.region) edited += "region = " + *wanted.region + line_end;
  } else {
    const auto end = std::find_if(begin + 1, lines.end(), is_header);
    const auto process = before[wanted.name].find("credential_process");
    const bool is_foreign = process == before[wanted.name].end() || !is_deputys(process->second);
    for (auto line = lines.begin(); line != begin; ++line) edited += *line;
    for (const std::string& line : edit_section({begin, end}, wanted, is_foreign, line_end)) edited += line;
    for (auto line = end; line != lines.end(); ++line) edited += *line;
  }
  DEPUTY_TRY(check_outcome(std::move(before), edited, wanted, file));
  return edited;
}

Result<WrittenProfile> write_profile(const aws::Environment& environment, const std::string& file,
                                     const WantedProfile& wanted) {
  DEPUTY_TRY(check_profile_name(wanted.name));
  const aws::SharedFilePaths paths = aws::shared_file_paths(environment);
  const std::string named = file.empty() ? paths.config : file;
  if (named.empty())
    return Error{ErrorKind::invalid_request,
                 "there is no home to look in for ~/.aws/config; name a file with --config"};
  DEPUTY_TRY(check_credentials_file(paths.credentials, wanted.name));
  const std::string path = resolved(named);
  const std::string folder = std::filesystem::path{path}.parent_path().native();
  if (!folder.empty()) ::mkdir(folder.c_str(), S_IRWXU);
  DEPUTY_TRY(const auto open_file, open_locked(path));
  DEPUTY_TRY(auto text, read_all(open_file, path));
  DEPUTY_TRY(auto edited, with_profile(text, wanted, path));
  WrittenProfile written{.file = path, .changed = edited != text};
  if (written.changed) {
    DEPUTY_TRY(replace_file(open_file, path, edited));
  }
  wipe(text);
  wipe(edited);
  return written;
}

}  // namespace deputy::client
