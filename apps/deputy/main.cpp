#include "command.hpp"
#include "object_view.hpp"
#include "unknown_word.hpp"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <iostream>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/version.hpp"

namespace {

// Secrets live in this process: no core dump, and no other process of the user may look inside.
void protect_process() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  std::signal(SIGPIPE, SIG_IGN);
}

// A file that is opened while one of the three is closed would get its number, and what is printed would go
// into that file. In their place comes what can be neither read nor written.
void keep_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) != -1) continue;
    // The lowest free number is this one: those below are open.
    if (::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) != descriptor) std::abort();
  }
}

int run(int argc, char** argv) {
  using namespace deputy::cli;
  CLI::App program{"Deputy: safe access to your customers' AWS accounts", "deputy"};
  program.require_subcommand(1);
  program.set_version_flag("--version", "deputy " + std::string{deputy::app::version});
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
    if (error.get_exit_code() == 0) return program.exit(error);  // help, or the version
    if (const auto word = unknown_word(program, {argv + 1, argv + argc})) {
      std::cerr << "deputy: " << *word << "\n";
    } else {
      program.exit(error);
    }
    return wrong_use;
  }
  return context.status;
}

}  // namespace

int main(int argc, char** argv) {
  protect_process();
  keep_standard_descriptors();
  try {
    const int status = run(argc, argv);
    const auto written = deputy::cli::finish_output();
    if (written) return status;
    std::cerr << "deputy: " << written.error().message << "\n";
    return status == deputy::cli::done ? deputy::cli::undetermined : status;
  } catch (const std::exception& error) {
    std::cerr << "deputy: unexpected: " << error.what() << "\n";
    return deputy::cli::undetermined;
  }
}
