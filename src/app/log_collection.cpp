#include "app/log_collection.hpp"

#include <algorithm>
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

// A file of the searchable store is set aside, or records wait for one.
void tell_trouble(const logstore::DayTrouble& trouble) {
  spdlog::error("searchable logs of {}, {}: {}", trouble.tenant, trouble.day, trouble.what);
}

}  // namespace

std::unique_ptr<logstore::Store> make_log_store(const Config::Logs& config, const Clock& clock) {
  return std::make_unique<logstore::Store>(logstore::Store::Options{.directory = config.directory / "search",
                                                                    .retention = config.retention,
                                                                    .on_trouble = tell_trouble},
                                           clock);
}

struct LogCollection::State {
  State(Surroundings around_, logstore::Store& store, const Config::Logs& config)
      : around(around_),
        sinks({around.loop, around.clock, around.random, around.transport, store}, config.sinks),
        options{.directory = config.directory, .bytes_max = config.spool_mib_max * mib} {
    settings.holder = random_base32(around.random, 24);
    settings.lookback = config.lookback;
    settings.discovery = config.discovery;
    settings.plan.poll_max = config.poll_max;
    settings.plan.poll_min = std::min(settings.plan.poll_min, settings.plan.poll_max);
  }

  Task<void> begin();

  Surroundings around;
  std::unique_ptr<logs::Spool> spool;  // outlives whoever follows it
  LogSinks sinks;
  logs::Spool::Options options;
  logs::CollectorSettings settings;
  // Of its own: what is collected must not wait for the API's database work, nor that for it.
  WorkPool reading_pool{{.threads = 1}}, writing_pool{{.threads = 1}};
  PoolBlocking reading{around.loop, reading_pool}, writing{around.loop, writing_pool};
  std::unique_ptr<logs::Collector> collector;
  std::optional<Error> trouble;
  TaskGroup group;
};

Task<void> LogCollection::State::begin() {
  while (!group.stop_token().stop_requested()) {
    auto opened = co_await run_on(writing_pool, around.loop, [this] { return logs::Spool::open(options); });
    if (opened) {
      spool = std::move(opened).value();
      trouble.reset();
      break;
    }
    trouble = opened.error();
    spdlog::error("logs are not collected: {} ({})", trouble->message, trouble->detail);
    if (!co_await sleep_for(around.loop, open_retry, group.stop_token())) co_return;
  }
  if (!spool || group.stop_token().stop_requested()) co_return;
  collector = std::make_unique<logs::Collector>(
      logs::Collector::Surroundings{around.loop, around.clock, around.random, around.logs, around.credentials,
                                    around.subscriptions, *spool, reading, writing},
      settings);
  collector->start();
  sinks.start(*spool);
}

LogCollection::LogCollection(Surroundings around, logstore::Store& store, const Config::Logs& config)
    : state_(std::make_unique<State>(around, store, config)) {}
LogCollection::~LogCollection() = default;

void LogCollection::start() {
  state_->group.spawn(state_->begin());
}

// Everything that the connection's credentials were good for ends here; whether it is active still, the
// subscriptions say.
void LogCollection::revoked(const std::optional<ConnectionId>& connection) const {
  if (!state_->collector) return;
  if (connection) {
    state_->collector->drop(*connection);
  } else {
    state_->collector->drop_all();
  }
  state_->collector->wake();
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
logs::Spool* LogCollection::spool() const {
  return state_->spool.get();
}
std::vector<logs::SinkStatus> LogCollection::sinks() const {
  return state_->sinks.status();
}
bool LogCollection::is_feeding() const {
  return state_->sinks.is_feeding();
}
const std::optional<Error>& LogCollection::trouble() const {
  return state_->trouble;
}

}  // namespace deputy::app
