#pragma once

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>

#include "app/api_client.hpp"
#include "aws/base_credentials.hpp"
#include "core/error.hpp"
#include "core/secret.hpp"

// What the commands share. Each file adds its commands to the program; a command sets the exit status when it
// runs.
namespace deputy::cli {

// Exit status: DESIGN section 7.
inline constexpr int done = 0;
inline constexpr int found_something = 1;  // a finding: unsafe, failed, refused
inline constexpr int wrong_use = 2;        // usage, or unreadable input
inline constexpr int undetermined = 3;     // inconclusive, unreachable

struct Context {
  int status = done;
};

void add_setup_commands(CLI::App& program, Context& context);  // init, config check, version, completion
void add_serve_command(CLI::App& program, Context& context);
void add_demo_command(CLI::App& program, Context& context);
void add_sandbox_command(CLI::App& program, Context& context);
void add_verify_command(CLI::App& program, Context& context);
void add_analyze_command(CLI::App& program, Context& context);
void add_object_commands(CLI::App& program,
                         Context& context);  // tenant, integration, connection, workload, key, template
void add_credentials_command(CLI::App& program, Context& context);
void add_profile_command(CLI::App& program, Context& context);
void add_scan_command(CLI::App& program, Context& context);
void add_journal_commands(CLI::App& program, Context& context);
void add_logs_commands(CLI::App& program, Context& context);
void add_logs_status_commands(CLI::App& group, Context& context);  // of `deputy logs`
void add_report_command(CLI::App& program, Context& context);

enum class Output { text, json };
// Adds `--output text|json`.
void add_output_option(CLI::App& command, Output& output);

// Says what went wrong on standard error and returns the exit status that fits.
int tell(const Error& error);
// The same for an answer of the API that is a problem document.
int tell_problem(const app::ApiAnswer& answer);
// What these two say and return, for whoever says it later.
int status_of(const Error& error);
int status_of(const app::ApiAnswer& problem);
std::string text_of(const Error& error);
std::string text_of(const app::ApiAnswer& problem);

// DEPUTY_ALLOW_HTTP=1: the server may be asked over plain http wherever it is.
bool may_use_http(const aws::Environment& environment);

// Where the server is, and the key to it. Without the options: DEPUTY_URL (app/server_url.hpp), and
// DEPUTY_KEY or the file DEPUTY_KEY_FILE. `unix:PATH` is the server's Unix socket, where no key is needed.
// DEPUTY_CA_FILE names the certificates that are trusted; by default the system's.
struct ServerAccess {
  std::string url;
  std::string unix_socket;  // empty: the URL's host is asked
  std::string ca_file;
  SecretString key;
};
Result<ServerAccess> server_access(const std::string& url_option = {},
                                   const std::string& key_file_option = {});

// Calls the API, and waits for the answer.
Result<app::ApiAnswer> call_api(const ServerAccess& access, const std::string& method,
                                const std::string& path,
                                std::optional<boost::json::value> body = std::nullopt);
// The same as the environment says.
Result<app::ApiAnswer> call_api(const std::string& method, const std::string& path,
                                std::optional<boost::json::value> body = std::nullopt);

// The file's first bytes; `-` is standard input.
Result<std::string> read_beginning(const std::string& file, std::size_t bytes_max);
// The file's content; longer than `bytes_max` is an error.
Result<std::string> read_input(const std::string& file, std::size_t bytes_max = 1024 * 1024);

// For a path or query: everything but unreserved characters percent-encoded.
std::string url_part(const std::string& text);

// One word for a POSIX shell, for output that is evaluated or pasted: neither whoever answers at DEPUTY_URL
// nor the name of a file may run commands.
std::string shell_word(const std::string& text);

}  // namespace deputy::cli
