#include "client/profile_file.hpp"
#include "command.hpp"

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>
#include <system_error>

#include "app/server_url.hpp"
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

// As it is written into the profile, which is used from any folder.
Result<std::string> server_url(const ProfileArguments& arguments, const aws::Environment& environment) {
  const std::string given = arguments.url.empty() ? environment("DEPUTY_URL").value_or("") : arguments.url;
  DEPUTY_TRY(auto read, app::read_server_url(given, may_use_http(environment)));
  if (read.unix_socket.empty()) return std::move(read.url);
  std::error_code failed;
  const fs::path socket = fs::absolute(read.unix_socket, failed);
  if (failed)
    return Error{ErrorKind::invalid_request,
                 "the folder in which this is run cannot be found out; name the "
                 "socket with its whole path"};
  return "unix:" + socket.lexically_normal().native();
}

// The profile, and what whoever uses it has to know.
struct Plan {
  client::WantedProfile profile;
  bool has_key_file = false;
  bool is_socket = false;
  bool is_open_http = false;  // to another machine, which DEPUTY_ALLOW_HTTP allows
};

void tell_needs(const Plan& plan) {
  if (plan.is_open_http) std::cerr << "the profile needs DEPUTY_ALLOW_HTTP=1 where it is used, as here\n";
  if (plan.has_key_file) return;
  std::cerr << (plan.is_socket
                    ? "it needs no key: the server knows the user who connects to its socket\n"
                    : "the key is taken from DEPUTY_KEY when the profile is used; --key-file names a file "
                      "instead\n");
}

Result<Plan> plan_of(const ProfileArguments& arguments, const aws::Environment& environment) {
  DEPUTY_TRY(const auto connection, ConnectionId::parse(arguments.connection));
  Plan plan;
  client::WantedProfile& wanted = plan.profile;
  wanted.name = arguments.name.empty() ? connection.text() : arguments.name;
  wanted.replace_foreign = arguments.force;
  if (!arguments.region.empty()) {
    DEPUTY_TRY(const auto region, Region::parse(arguments.region));
    wanted.region = region.text();
  }
  DEPUTY_TRY(auto program, own_path(environment));
  DEPUTY_TRY(auto url, server_url(arguments, environment));
  plan.is_socket = url.starts_with("unix:");
  plan.is_open_http = !plan.is_socket && !app::read_server_url(url, false);
  std::vector<std::string> words{std::move(program), "credentials", connection.text(), "--format",
                                 "process",          "--url",       std::move(url)};
  const std::string key_file =
      arguments.key_file.empty() ? environment("DEPUTY_KEY_FILE").value_or("") : arguments.key_file;
  plan.has_key_file = !key_file.empty();
  if (plan.has_key_file) {
    DEPUTY_TRY(auto file, absolute_file(key_file));
    words.insert(words.end(), {"--key-file", std::move(file)});
  }
  DEPUTY_TRY(wanted.credential_process, client::command_line(words));
  return plan;
}

int write_profile(const ProfileArguments& arguments) {
  const auto environment = aws::process_environment();
  const auto plan = plan_of(arguments, environment);
  if (!plan) {
    tell(plan.error());
    return wrong_use;
  }
  const client::WantedProfile& wanted = plan.value().profile;
  const auto written = client::write_profile(environment, arguments.file, wanted);
  if (!written) return tell(written.error());
  std::cerr << fmt::format("{} profile `{}` in {}; use it with --profile {} or AWS_PROFILE={}\n",
                           written.value().changed ? "wrote the" : "nothing to change: the", wanted.name,
                           in_backticks(written.value().file.native()), wanted.name, wanted.name);
  tell_needs(plan.value());
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
