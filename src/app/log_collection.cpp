#include "app/log_collection.hpp"

#include <algorithm>
#include <map>
#include <spdlog/spdlog.h>

#include "app/log_sinks.hpp"

namespace deputy::app {
namespace {

constexpr std::chrono::seconds open_retry{30};
constexpr std::uint64_t mib = 1024 * 1024;

// A pool and the loop to come back to.
class PoolBlocking final : public logs::Blocking {
 public:
  PoolBlocking(EventLoop& loop, WorkPool& pool) : loop_(loop), pool_(pool) {}
  Task<Result<void>> run(std::function<void()> work) override {
    co_return co_await run_on(pool_, loop_, [&work]() -> Result<void> {
      work();
      return success();
    });
  }

 private:
  EventLoop& loop_;
  WorkPool& pool_;
};

// The broker's credentials, good for reading logs alone.
class BrokerCredentials final : public logs::CredentialsSource {
 public:
  explicit BrokerCredentials(broker::Broker& broker) : broker_(broker) {}
  Task<Result<logs::CollectingCredentials>> get(ConnectionId connection, Region region) override {
    auto issued = co_await broker_.issue_for_logs(std::move(connection), std::move(region));
    if (!issued) co_return std::move(issued).error();
    co_return logs::CollectingCredentials{std::move(issued.value().credentials),
                                          std::move(issued.value().account_id)};
  }
  // The broker's sessions are renewed ahead of their end; one that AWS calls expired is of a clock that is
  // off, and asking again gives the same until it is.
  void forget(const ConnectionId&) override {}

 private:
  broker::Broker& broker_;
};

// Active connections whose integration, in its newest version, asks for logs.
class RegistrySubscriptions final : public logs::Subscriptions {
 public:
  RegistrySubscriptions(EventLoop& loop, WorkPool& pool, registry::Registry& registry)
      : loop_(loop), pool_(pool), registry_(registry) {}
  Task<Result<std::vector<logs::Subscription>>> active() override {
    co_return co_await run_on(pool_, loop_, [this] { return read(); });
  }

 private:
  Result<std::vector<logs::Subscription>> read() const {
    std::map<IntegrationName, std::optional<registry::LogSelection>> selections;
    std::vector<logs::Subscription> subscriptions;
    registry::PageRequest page{.limit = 200};
    const registry::ConnectionFilter filter{.state = registry::ConnectionState::active};
    for (;;) {
      DEPUTY_TRY(auto connections, registry_.connections(filter, page));
      for (const registry::Connection& connection : connections.items) {
        auto selection = selections.find(connection.integration);
        if (selection == selections.end()) {
          DEPUTY_TRY(auto integration, registry_.integration(connection.integration));
          selection = selections.emplace(connection.integration, std::move(integration.logs)).first;
        }
        if (!selection->second || !connection.role_arn) continue;
        subscriptions.push_back({.tenant = connection.tenant_id,
                                 .connection = connection.id,
                                 .account = connection.role_arn->account(),
                                 .regions = selection->second->regions,
                                 .groups = selection->second->groups,
                                 .since = connection.created_at});
      }
      if (!connections.next_cursor) return subscriptions;
      page.after = *std::move(connections.next_cursor);
    }
  }

  EventLoop& loop_;
  WorkPool& pool_;
  registry::Registry& registry_;
};

// A file of the searchable store is set aside, or records wait for one.
void tell_trouble(const logstore::DayTrouble& trouble) {
  spdlog::error("searchable logs of {}, {}: {}", trouble.tenant, trouble.day, trouble.what);
}

}  // namespace

struct LogCollection::State {
  State(EventLoop& loop_, const Clock& clock_, Random& random_, aws::Logs& logs_, aws::Transport& transport,
        broker::Broker& broker_, registry::Registry& registry, WorkPool& pool, const Config& config)
      : loop(loop_),
        clock(clock_),
        random(random_),
        logs(logs_),
        broker(broker_),
        credentials(broker_),
        subscriptions(loop_, pool, registry),
        store({.directory = config.logs.directory / "search",
               .retention = config.logs.retention,
               .on_trouble = tell_trouble},
              clock_),
        sinks({loop_, clock_, random_, transport, store}, config.logs.sinks),
        options{.directory = config.logs.directory, .bytes_max = config.logs.spool_mib_max * mib} {
    settings.holder = random_base32(random, 24);
    settings.lookback = config.logs.lookback;
    settings.discovery = config.logs.discovery;
    settings.plan.poll_max = config.logs.poll_max;
    settings.plan.poll_min = std::min(settings.plan.poll_min, settings.plan.poll_max);
  }

  Task<void> begin();
  void revoked(const std::optional<ConnectionId>& connection) const;

  EventLoop& loop;
  const Clock& clock;
  Random& random;
  aws::Logs& logs;
  broker::Broker& broker;
  BrokerCredentials credentials;
  RegistrySubscriptions subscriptions;
  logstore::Store store;
  WorkPool search_pool{{.threads = 1}};
  std::unique_ptr<logs::Spool> spool;  // outlives whoever follows it
  LogSinks sinks;
  logs::Spool::Options options;
  logs::CollectorSettings settings;
  // Of its own: what is collected must not wait for the API's database work, nor that for it.
  WorkPool reading_pool{{.threads = 1}}, writing_pool{{.threads = 1}};
  PoolBlocking reading{loop, reading_pool}, writing{loop, writing_pool};
  std::unique_ptr<logs::Collector> collector;
  std::optional<Error> trouble;
  TaskGroup group;
};

Task<void> LogCollection::State::begin() {
  while (!group.stop_token().stop_requested()) {
    auto opened = co_await run_on(writing_pool, loop, [this] { return logs::Spool::open(options); });
    if (opened) {
      spool = std::move(opened).value();
      trouble.reset();
      break;
    }
    trouble = opened.error();
    spdlog::error("logs are not collected: {} ({})", trouble->message, trouble->detail);
    if (!co_await sleep_for(loop, open_retry, group.stop_token())) co_return;
  }
  if (!spool || group.stop_token().stop_requested()) co_return;
  collector = std::make_unique<logs::Collector>(
      logs::Collector::Surroundings{loop, clock, random, logs, credentials, subscriptions, *spool, reading,
                                    writing},
      settings);
  collector->start();
  sinks.start(*spool);
}

// Everything that the connection's credentials were good for ends here; whether it is active still, the
// registry says.
void LogCollection::State::revoked(const std::optional<ConnectionId>& connection) const {
  if (!collector) return;
  if (connection) {
    collector->drop(*connection);
  } else {
    collector->drop_all();
  }
  collector->wake();
}

LogCollection::LogCollection(EventLoop& loop, const Clock& clock, Random& random, aws::Logs& logs,
                             aws::Transport& transport, broker::Broker& broker, registry::Registry& registry,
                             WorkPool& pool, const Config& config)
    : state_(std::make_unique<State>(loop, clock, random, logs, transport, broker, registry, pool, config)) {}

LogCollection::~LogCollection() {
  state_->broker.on_revoked({});
}

void LogCollection::start() {
  state_->broker.on_revoked(
      [this](const std::optional<ConnectionId>& connection) { state_->revoked(connection); });
  state_->group.spawn(state_->begin());
}

void LogCollection::wake() {
  if (state_->collector) state_->collector->wake();
}

Task<void> LogCollection::stop() {
  state_->group.request_stop();
  co_await state_->group.join();
  co_await state_->sinks.stop();
  if (state_->collector) co_await state_->collector->stop();
}

logs::Collector* LogCollection::collector() const {
  return state_->collector.get();
}
logstore::Store& LogCollection::store() const {
  return state_->store;
}
WorkPool& LogCollection::search_pool() const {
  return state_->search_pool;
}
logs::Spool* LogCollection::spool() const {
  return state_->spool.get();
}
const std::optional<Error>& LogCollection::trouble() const {
  return state_->trouble;
}

}  // namespace deputy::app
