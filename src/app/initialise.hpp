#pragma once

#include <filesystem>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace deputy::app {

// What `deputy init` made.
struct Initialised {
  std::filesystem::path config_file;
  std::filesystem::path master_key_file;
  std::filesystem::path database;
  SecretString admin_key;  // shown once
};

// Makes the folder if it is missing, and in it the configuration, the master key (mode 0600), the database
// and the first admin key. `conflict` when any of them is there already: nothing is ever overwritten. What
// was made before a failure is removed again.
Result<Initialised> initialise(const std::filesystem::path& folder, const Clock& clock, Random& random);

}  // namespace deputy::app
