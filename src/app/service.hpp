#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "app/config.hpp"
#include "aws/base_credentials.hpp"
#include "aws/endpoints.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "http/asio_loop.hpp"
#include "journal/journal.hpp"
#include "storage/master_key.hpp"

namespace deputy::app {

// What a service takes from its surroundings; the demo gives its own.
struct Surroundings {
  aws::Environment environment;
  aws::Endpoints endpoints;
  std::unique_ptr<aws::CredentialsProvider> base_credentials;  // null: found the way SDKs do
};

// `deputy serve`: all rooms put together around one event loop and one database. Use on the loop's thread.
class Service {
 public:
  Service(http::AsioLoop& loop, Config config, Surroundings surroundings);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Opens the database, finds out who the partner is, recovers what was interrupted, and listens. On failure
  // says what to do, and nothing is left running. `stop`, asked for on the loop's thread, ends what it waits
  // for: AWS, or a program that prints credentials. Then it fails, unless it was as good as done.
  Task<Result<void>> start(std::stop_token stop = {});
  std::uint16_t port() const;  // after start

  // Reads the certificate again; what it says goes to the log.
  void reload();

  // Stops accepting, lets requests and verifications end, closes the database.
  Task<void> stop();

  // Reads the whole database and journal. After start; blocks nothing.
  Task<Result<journal::Checkpoint>> check_integrity();

 private:
  struct Rooms;
  // Up to listening; what it opened is the rooms'.
  Task<Result<void>> open(Rooms& rooms, const storage::MasterKey& key, const Region& region);

  http::AsioLoop& loop_;
  Config config_;
  Surroundings surroundings_;
  std::unique_ptr<Rooms> rooms_;
};

// The master key that the configuration names. `invalid_request` telling to run `deputy init` when it names
// none.
Result<storage::MasterKey> load_master_key(const Config& config);

}  // namespace deputy::app
