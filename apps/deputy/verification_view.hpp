#pragma once

#include "app/api_client.hpp"

// What a connection's owner wants to know of its verifications: which check came out how, and what mends it.
// Those that show take the API's answer, print text and return the exit status.
namespace deputy::cli {

// The connection, and the checks of its last verification.
int show_connection(const app::ApiAnswer& connection);

// Waits for a verification that began: the answer that has its outcome. Who has waited long enough gets the
// one in which it still runs, and is told so on standard error.
Result<app::ApiAnswer> finished_verification(const app::ApiAnswer& begun);

// It and its checks.
int show_verification(const app::ApiAnswer& verification);

// 0 passed, 1 failed, 3 inconclusive or not over yet.
int status_of_verification(const app::ApiAnswer& verification);

// A line each: the newest with all its checks, the older ones with what did not pass.
int show_verifications(const app::ApiAnswer& list);

}  // namespace deputy::cli
