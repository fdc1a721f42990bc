#pragma once

#include <filesystem>
#include <functional>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"
#include "storage/master_key.hpp"

namespace deputy::app {

// What `deputy init` made.
struct Initialised {
  std::filesystem::path config_file;
  std::filesystem::path master_key_file;
  std::filesystem::path database;
  SecretString admin_key;  // shown once
};

// Whether the admin key reached whoever is to have it.
using HandOut = std::function<Result<void>(const Initialised& made)>;

// Makes the folder if it is missing, and in it the configuration, the master key (mode 0600), the database
// and the first admin key. `conflict` when any of them is there already: nothing is ever overwritten.
// `hand_out` is asked at the end. What was made before a failure, its own included, is removed again.
Result<Initialised> initialise(const std::filesystem::path& folder, const Clock& clock, Random& random,
                               const HandOut& hand_out = {});

// Makes the database that a configuration names, with the master key that is there, and the first admin key
// in it: for when the database alone is missing or empty. Else `conflict`, and nothing is changed.
Result<Initialised> initialise_database(const std::filesystem::path& config_file,
                                        const std::filesystem::path& database, const storage::MasterKey& key,
                                        const Clock& clock, Random& random, const HandOut& hand_out = {});

}  // namespace deputy::app
