#include "base_credentials_check.hpp"
#include "command.hpp"
#include "completion.hpp"
#include "config_option.hpp"

#include <fmt/format.h>
#include <iostream>

#include "app/initialise.hpp"
#include "app/partner_face.hpp"
#include "app/service.hpp"
#include "app/version.hpp"

namespace deputy::cli {
namespace {

int initialise(const std::string& folder) {
  SystemClock clock;
  SystemRandom random;
  const auto made = app::initialise(folder, clock, random);
  if (!made) {
    tell(made.error());
    return made.error().kind == ErrorKind::conflict ? wrong_use : found_something;
  }
  std::cerr << fmt::format("Made {}, {} and {}.\n", made.value().config_file.string(),
                           made.value().master_key_file.string(), made.value().database.string())
            << "Keep a copy of the master key apart from the database: without it every connection is lost.\n"
            << "The first admin key, shown this once:\n";
  std::cout << made.value().admin_key.reveal() << "\n";
  return done;
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
  const auto brand = app::load_brand(loaded.config);
  const auto webhooks = app::load_webhooks(loaded.config);
  if (!brand) std::cout << brand.error().message << "\n";
  if (!webhooks) std::cout << webhooks.error().message << "\n";
  if (!brand || !webhooks) return found_something;
  const int credentials = check_base_credentials(loaded.config);
  if (credentials != done) return credentials;
  std::cout << "the configuration can be used\n";
  return done;
}

}  // namespace

void add_setup_commands(CLI::App& program, Context& context) {
  auto* init =
      program.add_subcommand("init", "Make configuration, master key, database and the first admin key");
  auto folder = std::make_shared<std::string>(".");
  init->add_option("--dir", *folder, "Where; made if missing")->capture_default_str();
  init->callback([&context, folder] { context.status = initialise(*folder); });

  auto* config = program.add_subcommand("config", "The configuration")->require_subcommand(1);
  auto* check = config->add_subcommand(
      "check", "Name each problem with its line, and say whose AWS credentials are used");
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
