#pragma once

#include "app/config.hpp"

namespace deputy::cli {

// Asks each source of the partner's own AWS credentials and says on standard output which one is used, and
// why the others are not; no secret. Asking may call AWS (a role that a profile names is assumed) and lasts
// fifteen seconds at most. Exit status: `done` also when there are none, for the machine that checks may be
// another than the one that serves; `found_something` when a source is configured and broken.
int check_base_credentials(const app::Config& config);

}  // namespace deputy::cli
