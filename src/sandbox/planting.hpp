#pragma once

#include "sandbox/seed.hpp"
#include "sandbox/state.hpp"

namespace deputy::sandbox {

// Adds what the seed describes to the world, by the rules that calls are held to. `conflict` for an account,
// key or bucket that is there already, else `invalid_request`. After an error a part of the seed may have
// been planted.
Result<void> plant(World& world, const Seed& seed);

}  // namespace deputy::sandbox
