#include "config_option.hpp"

#include <filesystem>

namespace deputy::cli {
namespace {

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

}  // namespace

std::optional<std::string> exposure_of(const app::Config::Server& server) {
  if (!server.tls_cert_file.empty() || is_loopback(server.listen.address)) return std::nullopt;
  return server.listen.address +
         " is no loopback address and `server.tls_cert_file` is not set: keys and credentials can be read on "
         "the way unless a proxy on this machine ends TLS";
}

std::shared_ptr<std::string> add_config_option(CLI::App& command) {
  auto file = std::make_shared<std::string>();
  command.add_option("--config", *file,
                     "The configuration; by default DEPUTY_CONFIG, or deputy.toml in this folder");
  return file;
}

app::LoadedConfig load_config_of(const std::string& file_option) {
  const auto environment = aws::process_environment();
  std::optional<std::filesystem::path> file;
  if (!file_option.empty()) {
    file = file_option;
  } else if (const auto named = environment("DEPUTY_CONFIG")) {
    file = *named;
  } else if (std::filesystem::exists("deputy.toml")) {
    file = "deputy.toml";
  }
  return app::load_config(file, environment, app::environment_names());
}

Result<app::Config> load_checked_config(const std::string& file_option) {
  auto loaded = load_config_of(file_option);
  if (!loaded.problems.empty()) return app::to_error(loaded.problems);
  return std::move(loaded.config);
}

}  // namespace deputy::cli
