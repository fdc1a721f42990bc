#pragma once

#include "app/api_client.hpp"

// What a connection's owner wants to know of its verifications: which check came out how, and what mends it.
// Each takes the API's answer, prints text and returns the exit status.
namespace deputy::cli {

// The connection, and the checks of its last verification.
int show_connection(const app::ApiAnswer& connection);

// Waits for a verification that began, and prints its checks: status 0 passed, 1 failed, 3 inconclusive.
int show_begun_verification(const app::ApiAnswer& begun);

// A line each: the newest with all its checks, the older ones with what did not pass.
int show_verifications(const app::ApiAnswer& list);

}  // namespace deputy::cli
