#include "command.hpp"

#include <csignal>
#include <exception>
#include <iostream>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace {

// Secrets live in this process: no core dump, and no other process of the user may look inside.
void protect_process() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  std::signal(SIGPIPE, SIG_IGN);
}

int run(int argc, char** argv) {
  using namespace deputy::cli;
  CLI::App program{"Deputy: safe access to your customers' AWS accounts", "deputy"};
  program.require_subcommand(1);
  program.set_help_all_flag("--help-all", "Help of all commands");
  Context context;
  add_setup_commands(program, context);
  add_serve_command(program, context);
  add_demo_command(program, context);
  add_sandbox_command(program, context);
  add_verify_command(program, context);
  add_analyze_command(program, context);
  add_object_commands(program, context);
  add_credentials_command(program, context);
  add_profile_command(program, context);
  add_scan_command(program, context);
  add_journal_commands(program, context);
  add_logs_commands(program, context);
  add_report_command(program, context);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? done : wrong_use;
  }
  return context.status;
}

}  // namespace

int main(int argc, char** argv) {
  protect_process();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "deputy: unexpected: " << error.what() << "\n";
    return deputy::cli::undetermined;
  }
}
