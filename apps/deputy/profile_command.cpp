#include "client/profile_file.hpp"
#include "command.hpp"

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>
#include <system_error>

#include "aws/base_credentials.hpp"
#include "core/identifiers.hpp"

namespace deputy::cli {
namespace {

namespace fs = std::filesystem;

struct ProfileArguments {
  std::string connection;
  std::string name;
  std::string region;
  std::string file;
  std::string url;
  std::string key_file;
  bool force = false;
};

// This program by the name under which people run it, so that an update of what a link points to is used; by
// its own path where it is not on PATH.
Result<std::string> own_path(const aws::Environment& environment) {
  std::error_code none;
  const fs::path itself = fs::read_symlink("/proc/self/exe", none);
  if (none) return Error{ErrorKind::internal, "this program cannot find out where it is: is /proc mounted?"};
  const std::string path = environment("PATH").value_or("");
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const fs::path candidate = fs::path{path.substr(begin, end - begin)} / "deputy";
    begin = end + 1;
    std::error_code missing;
    if (candidate.is_absolute() && fs::equivalent(candidate, itself, missing) && !missing)
      return candidate.native();
  }
  return itself.native();
}

Result<std::string> absolute_file(const std::string& file) {
  std::error_code failed;
  const fs::path path = fs::absolute(file, failed);
  if (failed || !fs::is_regular_file(path, failed))
    return Error{ErrorKind::invalid_request,
                 in_backticks(file) + " is not a file; the key must be there before it is used"};
  return path.lexically_normal().native();
}

Result<std::string> server_url(const ProfileArguments& arguments, const aws::Environment& environment) {
  std::string url = arguments.url.empty() ? environment("DEPUTY_URL").value_or("") : arguments.url;
  while (url.ends_with('/')) url.pop_back();
  if (!url.starts_with("http://") && !url.starts_with("https://") && !url.starts_with("unix:"))
    return Error{ErrorKind::invalid_request,
                 "DEPUTY_URL or --url must say where the server is, such as `https://deputy.internal`"};
  if (url.find('@') != std::string::npos)
    return Error{ErrorKind::invalid_request,
                 "the server's URL holds a user or a password, which must not get into the file"};
  return url;
}

Result<client::WantedProfile> wanted_profile(const ProfileArguments& arguments,
                                             const aws::Environment& environment) {
  DEPUTY_TRY(const auto connection, ConnectionId::parse(arguments.connection));
  client::WantedProfile wanted{.name = arguments.name.empty() ? connection.text() : arguments.name,
                               .replace_foreign = arguments.force};
  if (!arguments.region.empty()) {
    DEPUTY_TRY(const auto region, Region::parse(arguments.region));
    wanted.region = region.text();
  }
  DEPUTY_TRY(auto program, own_path(environment));
  DEPUTY_TRY(auto url, server_url(arguments, environment));
  std::vector<std::string> words{std::move(program), "credentials", connection.text(), "--format",
                                 "process",          "--url",       std::move(url)};
  const std::string key_file =
      arguments.key_file.empty() ? environment("DEPUTY_KEY_FILE").value_or("") : arguments.key_file;
  if (!key_file.empty()) {
    DEPUTY_TRY(auto file, absolute_file(key_file));
    words.insert(words.end(), {"--key-file", std::move(file)});
  }
  DEPUTY_TRY(wanted.credential_process, client::command_line(words));
  return wanted;
}

int write_profile(const ProfileArguments& arguments) {
  const auto environment = aws::process_environment();
  const auto wanted = wanted_profile(arguments, environment);
  if (!wanted) {
    tell(wanted.error());
    return wrong_use;
  }
  const auto written = client::write_profile(environment, arguments.file, wanted.value());
  if (!written) return tell(written.error());
  std::cerr << fmt::format("{} profile `{}` in {}; use it with --profile {} or AWS_PROFILE={}\n",
                           written.value().changed ? "wrote the" : "nothing to change: the",
                           wanted.value().name, in_backticks(written.value().file.native()),
                           wanted.value().name, wanted.value().name);
  if (wanted.value().credential_process.find("--key-file") == std::string::npos)
    std::cerr
        << "the key is taken from DEPUTY_KEY when the profile is used; --key-file names a file instead\n";
  return done;
}

}  // namespace

void add_profile_command(CLI::App& program, Context& context) {
  auto* command = program.add_subcommand(
      "profile", "Write an AWS profile that gets the credentials of one connection from Deputy");
  auto arguments = std::make_shared<ProfileArguments>();
  command->add_option("connection", arguments->connection)->required();
  command->add_option("--name", arguments->name, "The profile's name; by default the connection");
  command->add_option("--region", arguments->region, "The profile's Region");
  command->add_option("--config", arguments->file, "The file; by default AWS_CONFIG_FILE, or ~/.aws/config");
  command->add_option("--url", arguments->url, "The server; by default DEPUTY_URL");
  command->add_option("--key-file", arguments->key_file,
                      "File with the key, named in the profile; by default DEPUTY_KEY_FILE, else the profile "
                      "takes the key from DEPUTY_KEY. The key itself is never written");
  command->add_flag("--force", arguments->force, "Replace a profile of this name that is not Deputy's");
  command->callback([&context, arguments] { context.status = write_profile(*arguments); });
}

}  // namespace deputy::cli
