#pragma once

#include "logs/collector.hpp"

#include "broker/broker.hpp"
#include "core/event_loop.hpp"
#include "core/work_pool.hpp"
#include "registry/registry.hpp"

namespace deputy::app {

// Whom the service collects logs from: active connections whose integration, in its newest version, asks for
// them. Their credentials are the broker's, on record as `logs`, good for reading logs alone. On the loop's
// thread; references outlive it.
class BrokerLogAccess final : public logs::Subscriptions, public logs::CredentialsSource {
 public:
  BrokerLogAccess(EventLoop& loop, WorkPool& pool, registry::Registry& registry, broker::Broker& broker)
      : loop_(loop), pool_(pool), registry_(registry), broker_(broker) {}

  Task<Result<std::vector<logs::Subscription>>> active() override;
  Task<Result<logs::CollectingCredentials>> get(ConnectionId connection, Region region) override;
  // The broker's sessions are renewed ahead of their end; one that AWS calls expired is of a clock that is
  // off, and asking again gives the same until it is.
  void forget(const ConnectionId&) override {}

 private:
  Result<std::vector<logs::Subscription>> read() const;

  EventLoop& loop_;
  WorkPool& pool_;
  registry::Registry& registry_;
  broker::Broker& broker_;
};

}  // namespace deputy::app
