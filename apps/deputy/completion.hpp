#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace deputy::cli {

// A script that completes the program's commands, their subcommands and options; made from the program
// itself, so it never lags behind. `shell` is `bash`, `zsh` or `fish`.
std::string completion_script(const CLI::App& program, const std::string& shell);

}  // namespace deputy::cli
