#pragma once

#include "command.hpp"

#include <memory>
#include <optional>
#include <string>

#include "app/config.hpp"

namespace deputy::cli {

// Adds `--config FILE`; without it DEPUTY_CONFIG, and else `deputy.toml` in this folder, if it is there.
std::shared_ptr<std::string> add_config_option(CLI::App& command);

app::LoadedConfig load_config_of(const std::string& file_option);
// The same, with every problem as the error.
Result<app::Config> load_checked_config(const std::string& file_option);

// What is to be said of a listener that others can reach without TLS; nullopt: nothing.
std::optional<std::string> exposure_of(const app::Config::Server& server);

}  // namespace deputy::cli
