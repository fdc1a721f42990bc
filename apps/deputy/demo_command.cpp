#include "command.hpp"

#include <cstdlib>
#include <string_view>
#include <unistd.h>

#include "app/demo/demo.hpp"

namespace deputy::cli {
namespace {

// https://no-color.org
bool takes_colour() {
  const char* const no_colour = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  const bool wanted = no_colour == nullptr || *no_colour == '\0';
  return wanted && isatty(STDOUT_FILENO) != 0 && terminal != nullptr && std::string_view{terminal} != "dumb";
}

}  // namespace

void add_demo_command(CLI::App& program, Context& context) {
  auto* command = program.add_subcommand("demo", "The whole story against the sandbox, with real calls");
  auto exit = std::make_shared<bool>(false);
  command->add_flag("--exit", *exit, "End after the story instead of staying up to explore");
  command->callback(
      [&context, exit] { context.status = app::run_demo({.exit = *exit, .colour = takes_colour()}); });
}

}  // namespace deputy::cli
