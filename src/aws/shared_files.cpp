#include "aws/shared_files.hpp"

#include <algorithm>

#include "aws/base/bounded_file.hpp"
#include "aws/base/credential_source.hpp"
#include "core/ascii.hpp"
#include "core/secret.hpp"

namespace deputy::aws {
namespace {

constexpr std::size_t file_bytes_max = 1024 * 1024;
constexpr std::string_view white = " \t\r";

using Settings = std::map<std::string, std::string>;
using Sections = std::map<std::string, Settings>;

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(white);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white) - begin + 1);
}

bool begins_comment(char c) {
  return c == '#' || c == ';';
}

// A comment within a line needs white space before it, since values may hold `#` and `;`.
std::string_view without_comment(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (begins_comment(text[i]) && white.find(text[i - 1]) != std::string_view::npos)
      return text.substr(0, i);
  }
  return text;
}

// Reads line by line; holds where it is, for the errors.
class SectionReader {
 public:
  SectionReader(SharedFileKind kind, const std::string& file) : kind_(kind), file_(file) {}

  Result<> take(std::string_view line) {
    ++line_;
    const std::string_view content = trim(line);
    if (content.empty() || begins_comment(content.front())) return success();
    const bool is_indented = white.find(line.front()) != std::string_view::npos;
    if (content.front() == '[' && !is_indented) return take_section(trim(without_comment(content)));
    if (!in_section_)
      return malformed("a setting before the first section; begin with a line such as `[default]`");
    if (is_indented && !last_setting_.empty()) return success();  // below a setting such as `s3 =`
    return take_setting(without_comment(content));
  }

  Sections sections() && { return std::move(sections_); }

 private:
  Error malformed(std::string_view what) const {
    return {ErrorKind::invalid_request, file_ + ", line " + std::to_string(line_) + ": " + std::string{what}};
  }

  Result<> take_section(std::string_view header) {
    if (header.size() < 3 || !header.ends_with(']')) return malformed("a section without its closing `]`");
    const std::string_view inner = trim(header.substr(1, header.size() - 2));
    if (inner.empty() || inner.find_first_of("[]") != std::string_view::npos)
      return malformed("a section without a name");
    in_section_ = true;
    last_setting_.clear();
    const auto name = profile_name(inner);
    current_ = name ? &sections_[*name] : nullptr;
    return success();
  }

  // nullopt: a section of another kind (`[sso-session …]`, `[services …]`).
  std::optional<std::string> profile_name(std::string_view inner) const {
    if (kind_ == SharedFileKind::credentials || inner == "default") return std::string{inner};
    const std::size_t space = inner.find_first_of(white);
    if (space == std::string_view::npos || inner.substr(0, space) != "profile") return std::nullopt;
    std::string_view name = trim(inner.substr(space));
    if (name.size() >= 2 && (name.front() == '"' || name.front() == '\'') && name.back() == name.front()) {
      name = name.substr(1, name.size() - 2);
    } else if (name.find_first_of(white) != std::string_view::npos) {
      return std::nullopt;  // a name of several words is one in quotes
    }
    return std::string{name};
  }

  Result<> take_setting(std::string_view content) {
    const std::size_t equals = content.find('=');
    if (equals == std::string_view::npos) return malformed("neither a section nor `name = value`");
    last_setting_ = to_lower(trim(content.substr(0, equals)));
    if (last_setting_.empty()) return malformed("a value without a name");
    if (current_ == nullptr) return success();
    if (!current_->emplace(last_setting_, trim(content.substr(equals + 1))).second) {
      return malformed("a setting that this profile has already");
    }
    return success();
  }

  SharedFileKind kind_;
  const std::string& file_;
  int line_ = 0;
  bool in_section_ = false;
  std::string last_setting_;
  Settings* current_ = nullptr;
  Sections sections_;
};

void wipe_values(Sections& sections) {
  for (auto& [name, settings] : sections) {
    for (auto& [setting, value] : settings) wipe(value);
  }
}

Result<Sections> read_sections(const std::string& path, SharedFileKind kind) {
  if (path.empty()) return Sections{};
  DEPUTY_TRY(auto text, read_bounded_file(path, file_bytes_max));
  if (!text) return Sections{};
  auto sections = parse_shared_file(*text, kind, path);
  wipe(*text);
  return sections;
}

std::string path_from(const Environment& environment, const std::string& variable, const std::string& file) {
  const std::string home = environment("HOME").value_or("");
  if (const auto path = non_empty(environment, variable)) {
    return path->starts_with("~/") && !home.empty() ? home + path->substr(1) : *path;
  }
  return home.empty() ? std::string{} : home + "/.aws/" + file;
}

}  // namespace

const std::string* Profile::find(const std::string& setting) const {
  const auto found = settings.find(setting);
  return found != settings.end() && !found->second.empty() ? &found->second : nullptr;
}

Profile::~Profile() {
  for (auto& [setting, value] : settings) wipe(value);
}

SharedFilePaths shared_file_paths(const Environment& environment) {
  return {.config = path_from(environment, "AWS_CONFIG_FILE", "config"),
          .credentials = path_from(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials")};
}

Result<Sections> parse_shared_file(const std::string& text, SharedFileKind kind, const std::string& file) {
  SectionReader reader{kind, file};
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    DEPUTY_TRY(reader.take(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::move(reader).sections();
}

const Profile* SharedProfiles::find(const std::string& name) const {
  const auto found = by_name.find(name);
  return found != by_name.end() ? &found->second : nullptr;
}

Error SharedProfiles::missing(const std::string& name) const {
  return {ErrorKind::invalid_request, "profile " + in_backticks(name) + " (AWS_PROFILE) is neither in " +
                                          in_backticks(paths.config) + " nor in " +
                                          in_backticks(paths.credentials)};
}

Result<SharedProfiles> read_profiles(const Environment& environment) {
  SharedProfiles profiles{.paths = shared_file_paths(environment), .by_name = {}};
  DEPUTY_TRY(auto credentials, read_sections(profiles.paths.credentials, SharedFileKind::credentials));
  auto config = read_sections(profiles.paths.config, SharedFileKind::config);
  if (!config) {
    wipe_values(credentials);
    return std::move(config).error();
  }
  // In this order: merging keeps what is there, and the credentials file's settings win.
  for (Sections* sections : {&credentials, &config.value()}) {
    for (auto& [name, settings] : *sections) {
      Profile& profile = profiles.by_name[name];
      profile.name = name;
      profile.settings.merge(settings);
    }
    wipe_values(*sections);  // what was not taken
  }
  return profiles;
}

std::string profile_name(const Environment& environment) {
  return non_empty(environment, "AWS_PROFILE").value_or("default");
}

Result<std::optional<Profile>> read_profile(const Environment& environment) {
  DEPUTY_TRY(auto profiles, read_profiles(environment));
  const std::string name = profile_name(environment);
  const auto found = profiles.by_name.find(name);
  if (found != profiles.by_name.end()) return std::optional{std::move(found->second)};
  if (!non_empty(environment, "AWS_PROFILE")) return std::optional<Profile>{};
  return profiles.missing(name);
}

}  // namespace deputy::aws
