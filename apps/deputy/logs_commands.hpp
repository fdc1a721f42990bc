#pragma once

#include "command.hpp"

// The commands of `deputy logs` that are not in logs_commands.cpp.
namespace deputy::cli {

void add_logs_collect_command(CLI::App& group, Context& context);

}  // namespace deputy::cli
