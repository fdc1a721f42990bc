#include "command.hpp"

#include <cstdlib>
#include <unistd.h>

#include "app/demo/demo.hpp"

namespace deputy::cli {

void add_demo_command(CLI::App& program, Context& context) {
  auto* command = program.add_subcommand("demo", "The whole story against the sandbox, with real calls");
  auto exit = std::make_shared<bool>(false);
  command->add_flag("--exit", *exit, "End after the story instead of staying up to explore");
  command->callback([&context, exit] {
    const bool colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
    context.status = app::run_demo({.exit = *exit, .colour = colour});
  });
}

}  // namespace deputy::cli
