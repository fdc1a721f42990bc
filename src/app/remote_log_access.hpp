#pragma once

#include "logs/collector.hpp"

#include <functional>
#include <map>
#include <string>

#include "app/api_client.hpp"
#include "core/clock.hpp"
#include "core/event_loop.hpp"
#include "core/task_group.hpp"

namespace deputy::app {

// Whom `deputy logs collect` collects from, and with whose credentials: both are asked of a Deputy that
// serves, over its API. What may be read is decided there, and each issuance is on record there. On the
// loop's thread; references outlive it.
class RemoteLogAccess final : public logs::Subscriptions, public logs::CredentialsSource {
 public:
  // Told of a connection that changed, or is not active any more: nothing that was given for it is to be
  // used. With nullopt all of them: the server has not answered for a minute, and who is suspended is not
  // known.
  using Revoked = std::function<void(const std::optional<ConnectionId>&)>;

  // How often the active connections are looked at, and so how long one that was suspended may still be read.
  static constexpr std::chrono::seconds look_every{5};
  static constexpr std::chrono::seconds trust_for{60};

  RemoteLogAccess(EventLoop& loop, const Clock& clock, ApiClient api);

  Task<Result<std::vector<logs::Subscription>>> active() override;
  Task<Result<logs::CollectingCredentials>> get(ConnectionId connection, Region region) override;
  void forget(const ConnectionId&) override {}  // nothing is kept here

  // Looks for changes until it is stopped. `revoked` hears of new connections too, which does them no harm.
  void watch(Revoked revoked);
  Task<void> stop();
  // Why the server was not understood, at the last look.
  const std::optional<Error>& trouble() const { return trouble_; }

 private:
  struct Seen {
    std::string integration, updated_at;
    logs::Subscription subscription;
  };
  using Connections = std::map<std::string, Seen>;  // by identifier
  struct Selection {
    std::vector<Region> regions;
    std::vector<std::string> groups;
  };

  Task<Result<Connections>> look();
  Task<Result<boost::json::value>> ask(std::string path);
  // What the integration asks for; nothing where that is no logs.
  Task<Result<std::optional<Selection>>> read_selection(std::string integration);
  Task<void> keep_looking(Revoked revoked);

  EventLoop& loop_;
  const Clock& clock_;
  ApiClient api_;
  std::optional<Connections> known_;  // as `watch` saw them last
  std::optional<Error> trouble_;
  TaskGroup group_;
};

}  // namespace deputy::app
