#pragma once

#include "app/config.hpp"

namespace deputy::cli {

struct BaseCredentialsCheck {
  int status = 0;
  bool are_there = false;
};

// Asks each source of the partner's own AWS credentials and says on standard output which one is used, and
// why the others are not; no secret. Asking may call AWS (a role that a profile names is assumed) and lasts
// as long as the service would wait for a program that prints credentials, and a little more. Status: `done`
// also when there are none, for the machine that checks may be another than the one that serves;
// `found_something` when a source is configured and broken; `undetermined` when one did not answer in time,
// or the check was stopped.
BaseCredentialsCheck check_base_credentials(const app::Config& config);

}  // namespace deputy::cli
