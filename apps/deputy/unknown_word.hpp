#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace deputy::cli {

// Of a command line that could not be understood: the first word that is no command and no option where it
// stands, with the nearest one that is. nullopt when each word is known, and something else is wrong.
std::optional<std::string> unknown_word(const CLI::App& program, const std::vector<std::string>& words);

}  // namespace deputy::cli
