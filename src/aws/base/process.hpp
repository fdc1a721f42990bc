#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace deputy::aws {

// The words of a command line by a shell's rules of quoting and by none of its other rules: blanks separate,
// '…' is literal, in "…" a backslash is literal but before `"` and `\`, elsewhere it takes the next character
// as it is. No variables, no `~`, no patterns. This is how botocore reads `credential_process` (Python's
// shlex.split). nullopt when a quote is not closed or a backslash ends the line.
std::optional<std::vector<std::string>> split_command(std::string_view command);

struct ProcessLimits {
  std::chrono::milliseconds timeout{60'000};
  std::size_t output_bytes_max = 64 * 1024;
};

// Runs a program, found through PATH, without a shell, and returns what it wrote on standard output when it
// ends with status 0. It has nothing on standard input, no descriptor of ours, no terminal, a process group
// of its own, and of the environment everything but DEPUTY_*, where our own secrets are. Whatever happens, it
// is reaped: on time-out, on `stop` or with too much output its whole group is killed first. Errors
// (`upstream_unavailable`, the reason in the detail): it cannot be started, did not end in time, wrote too
// much, or failed; of what it said on standard error then the first line is repeated, without words that are
// long enough to be a secret. Blocks: for the pool.
Result<std::string> run_process(const std::vector<std::string>& words, const ProcessLimits& limits,
                                std::stop_token stop);

// The first line that is not empty, safe to show: see above.
std::string shown_complaint(std::string_view standard_error);

}  // namespace deputy::aws
