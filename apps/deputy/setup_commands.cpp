#include "base_credentials_check.hpp"
#include "command.hpp"
#include "completion.hpp"
#include "config_option.hpp"
#include "object_view.hpp"

#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>
#include <stdio_ext.h>

#include "app/initialise.hpp"
#include "app/partner_face.hpp"
#include "app/service.hpp"
#include "app/version.hpp"
#include "storage/sqlite_store.hpp"

namespace deputy::cli {
namespace {

// The key is nowhere else: what was made stays only if it was seen.
Result<void> hand_out(const app::Initialised& made) {
  std::cout << made.admin_key.reveal() << "\n";
  auto written = finish_output();
  if (written) return written;
  // Told here; the end of the command need not try again.
  std::cout.clear();
  ::__fpurge(stdout);
  std::clearerr(stdout);
  return Error{written.error().kind, written.error().message + ": nothing was made"};
}

int tell_made(const Result<app::Initialised>& made) {
  if (made) return done;
  tell(made.error());
  return made.error().kind == ErrorKind::conflict ? wrong_use : found_something;
}

int initialise_all(const std::string& folder) {
  SystemClock clock;
  SystemRandom random;
  return tell_made(app::initialise(folder, clock, random, [](const app::Initialised& made) {
    std::cerr
        << fmt::format("Made {}, {} and {}.\n", made.config_file.string(), made.master_key_file.string(),
                       made.database.string())
        << "Keep a copy of the master key apart from the database: without it every connection is lost.\n"
        << "The first admin key, shown this once:\n";
    return hand_out(made);
  }));
}

// A configuration is there: it says where the database is to be, and which key is its.
int initialise_database(const std::string& config_file) {
  const auto config = load_checked_config(config_file);
  if (!config) return tell(config.error());
  const auto key = app::load_master_key(config.value());
  if (!key) {
    std::cerr << fmt::format("deputy: {} exists already, and its master key cannot be used:\n", config_file);
    tell(key.error());
    std::cerr << "        Restore the key, or make everything anew in another folder with --dir\n";
    return wrong_use;
  }
  SystemClock clock;
  SystemRandom random;
  return tell_made(app::initialise_database(
      config_file, config.value().storage.sqlite_file, key.value(), clock, random,
      [](const app::Initialised& made) {
        std::cerr << fmt::format(
                         "{} was there and is as it was; made the database {}, with the master key that was "
                         "there.\nIt is empty. If there was one before it, its connections are in your "
                         "backup: restore that instead.\n",
                         made.config_file.string(), made.database.string())
                  << "The first admin key, shown this once:\n";
        return hand_out(made);
      }));
}

int initialise(const std::string& folder) {
  if (folder.empty())
    return tell(Error{ErrorKind::invalid_request, "--dir names no folder; `.` is this one"});
  std::error_code unreadable;
  const auto config_file = std::filesystem::path{folder} / "deputy.toml";
  return std::filesystem::exists(config_file, unreadable) ? initialise_database(config_file.string())
                                                          : initialise_all(folder);
}

// What `deputy serve` would say of it. A database of an older Deputy is brought up to date then: no fault.
bool check_database(const app::Config& config, const storage::MasterKey& key) {
  const auto store = storage::open_sqlite({.file = config.storage.sqlite_file, .read_only = true}, key);
  if (store) return true;
  const bool is_older = store.error().kind == ErrorKind::conflict;
  std::cout << (is_older ? "note: " : "") << store.error().message << "\n";
  return is_older;
}

int check_config(const std::string& file) {
  const auto loaded = load_config_of(file);
  for (const auto& note : loaded.notes) std::cout << "note: " << note << "\n";
  if (!loaded.problems.empty()) {
    for (const auto& [where, what] : loaded.problems) std::cout << where << ": " << what << "\n";
    return loaded.unreadable ? wrong_use : found_something;
  }
  const auto key = app::load_master_key(loaded.config);
  if (!key) {
    std::cout << key.error().message << "\n";
    return found_something;
  }
  const bool has_database = check_database(loaded.config, key.value());
  const auto brand = app::load_brand(loaded.config);
  const auto webhooks = app::load_webhooks(loaded.config);
  if (!brand) std::cout << brand.error().message << "\n";
  if (!webhooks) std::cout << webhooks.error().message << "\n";
  if (!has_database || !brand || !webhooks) return found_something;
  if (const auto exposed = exposure_of(loaded.config.server)) std::cout << "note: " << *exposed << "\n";
  const BaseCredentialsCheck credentials = check_base_credentials(loaded.config);
  if (credentials.status != done) return credentials.status;
  std::cout << (credentials.are_there
                    ? "the configuration can be used\n"
                    : "note: there are none here: the service starts only where there are some\n"
                      "the configuration can be used on a machine that has AWS credentials\n");
  return done;
}

}  // namespace

void add_setup_commands(CLI::App& program, Context& context) {
  auto* init =
      program.add_subcommand("init",
                             "Make configuration, master key, database and the first admin key; the database "
                             "alone where it alone is missing");
  auto folder = std::make_shared<std::string>(".");
  init->add_option("--dir", *folder, "Where; made if missing")->capture_default_str();
  init->callback([&context, folder] { context.status = initialise(*folder); });

  auto* config = program.add_subcommand("config", "The configuration")->require_subcommand(1);
  auto* check = config->add_subcommand(
      "check",
      "Name each problem with its line, look at the key and the database, and say whose AWS credentials are "
      "used");
  auto file = add_config_option(*check);
  check->callback([&context, file] { context.status = check_config(*file); });

  auto* print_version = program.add_subcommand("version", "Print the version");
  print_version->callback([] { std::cout << "deputy " << app::version << "\n"; });

  auto* completion = program.add_subcommand("completion", "Print a completion script for a shell");
  auto shell = std::make_shared<std::string>();
  completion->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([&program, shell] { std::cout << completion_script(program, *shell); });
}

}  // namespace deputy::cli
