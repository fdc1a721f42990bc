#include "logs/sinks/sink_runner.hpp"

#include <algorithm>
#include <stop_token>

namespace deputy::logs {
namespace {

constexpr std::chrono::milliseconds backoff_base{500};
constexpr std::chrono::milliseconds backoff_max{60'000};
constexpr int backoff_doublings_max = 7;
// Commits of this process wake a sink at once; those of another are found by looking.
constexpr std::chrono::milliseconds look_interval{2'000};

}  // namespace

struct SinkRunner::Fed {
  std::unique_ptr<Sink> sink;
  SinkCursor cursor;
  SinkStatus status;
  std::stop_source waiting;
  bool woken = false;
  bool backing_off = false;  // new records are no reason to try sooner
};

SinkRunner::SinkRunner(Parts parts, std::vector<std::unique_ptr<Sink>> sinks) : parts_(parts) {
  for (auto& sink : sinks) {
    auto fed = std::make_unique<Fed>();
    fed->status.name = sink->name();
    fed->sink = std::move(sink);
    fed_.push_back(std::move(fed));
  }
}
SinkRunner::~SinkRunner() = default;

void SinkRunner::start() {
  parts_.spool.on_commit([this] { parts_.loop.post([this] { wake_all(); }); });
  tasks_.spawn(feed_when_alone());
}

// Two that fed one sink would take turns in undoing each other's deliveries. And none is fed before all have
// cursors: the spool keeps pages for those alone.
Task<void> SinkRunner::feed_when_alone() {
  std::vector<std::string> names;
  for (const auto& fed : fed_) names.push_back(fed->status.name);
  auto begin = [this, &names]() -> Result<bool> {
    DEPUTY_TRY(const bool taken, parts_.spool.take_feeding());
    if (taken) {
      DEPUTY_TRY(parts_.spool.attach_all(names));
    }
    return taken;
  };
  while (!feeding_) {
    const auto begun = co_await run_on(parts_.pool, parts_.loop, begin);
    if (stopping_) co_return;
    feeding_ = begun.has_value() && begun.value();
    for (const auto& fed : fed_) note_trouble(*fed, begun ? std::nullopt : std::optional{begun.error()});
    if (!feeding_ && !co_await sleep_for(parts_.loop, look_interval, tasks_.stop_token())) co_return;
  }
  tasks_.spawn(forget_others());
  for (auto& fed : fed_) tasks_.spawn(feed(*fed));
}

// What is news is told.
void SinkRunner::note_trouble(Fed& fed, std::optional<Error> trouble) {
  if (!trouble) {
    fed.status.trouble.reset();
    fed.status.trouble_since.reset();
    return;
  }
  if (!fed.status.trouble_since) fed.status.trouble_since = parts_.clock.now();
  const bool is_news = !fed.status.trouble || fed.status.trouble->message != trouble->message;
  if (is_news && on_trouble) on_trouble(fed.status.name, *trouble);
  fed.status.trouble = std::move(trouble);
}

Task<void> SinkRunner::stop() {
  stopping_ = true;
  tasks_.request_stop();
  parts_.spool.on_commit({});
  for (auto& fed : fed_) fed->sink->request_stop();
  wake_all();
  co_await tasks_.join();
  co_await resume_on(parts_.loop);  // after a wake that was posted already
}

void SinkRunner::wake_all() {
  for (auto& fed : fed_) {
    if (fed->backing_off && !stopping_) continue;
    fed->woken = true;
    fed->waiting.request_stop();
  }
}

Task<void> SinkRunner::wait(Fed& fed, std::chrono::milliseconds delay) {
  if (!stopping_ && !fed.woken) {
    fed.waiting = {};
    co_await sleep_for(parts_.loop, delay, fed.waiting.get_token());
  }
  fed.woken = false;
}

Task<void> SinkRunner::forget_others() {
  auto work = [this]() -> Result<void> {
    DEPUTY_TRY(const auto known, parts_.spool.sinks());
    for (const SinkLag& one : known) {
      const bool is_fed =
          std::ranges::any_of(fed_, [&](const auto& fed) { return fed->sink->name() == one.sink; });
      if (is_fed) continue;
      DEPUTY_TRY(parts_.spool.detach(one.sink));
    }
    return success();
  };
  // When it fails the spool fills up a little more; the next start tries again.
  [[maybe_unused]] const auto forgotten = co_await run_on(parts_.pool, parts_.loop, work);
}

Task<void> SinkRunner::feed(Fed& fed) {
  int failures = 0;
  bool is_open = false;
  while (!stopping_) {
    std::optional<Error> failure;
    bool delivered = false;
    if (!is_open) {
      auto begun = co_await begin(fed);
      is_open = begun.has_value();
      if (!begun) failure.emplace(std::move(begun).error());
    }
    if (is_open) {
      auto next = co_await deliver_next(fed);
      if (next) {
        delivered = next.value();
      } else {
        failure.emplace(std::move(next).error());
      }
    }
    if (!failure) {
      failures = 0;
      note_trouble(fed, std::nullopt);
      if (!delivered) co_await wait(fed, look_interval);
      continue;
    }
    is_open = false;
    ++fed.status.failures;
    note_trouble(fed, std::move(failure));
    const auto ceiling =
        std::min(backoff_max, backoff_base * (1 << std::min(failures++, backoff_doublings_max)));
    fed.woken = false;
    fed.backing_off = true;
    co_await wait(fed, full_jitter(parts_.random, ceiling));
    fed.backing_off = false;
  }
}

Task<Result<void>> SinkRunner::begin(Fed& fed) {
  auto attach = [this, &fed] { return parts_.spool.attach(fed.sink->name()); };
  DEPUTY_CO_TRY(fed.cursor, co_await run_on(parts_.pool, parts_.loop, attach));
  fed.status.sequence = fed.cursor.sequence;
  DEPUTY_CO_TRY(co_await fed.sink->open(fed.cursor.beside));
  if (!fed.cursor.beside.empty()) co_return success();
  fed.cursor.beside = fed.sink->place();
  if (fed.cursor.beside.empty()) co_return success();
  auto keep = [this, &fed] { return parts_.spool.advance(fed.cursor); };
  co_return co_await run_on(parts_.pool, parts_.loop, keep);
}

// False when there is nothing after the cursor.
Task<Result<bool>> SinkRunner::deliver_next(Fed& fed) {
  auto read = [this, &fed] { return parts_.spool.read(fed.cursor.sequence, batch_bytes_max); };
  DEPUTY_CO_TRY(auto found, co_await run_on(parts_.pool, parts_.loop, read));
  if (!found) co_return false;
  const auto batch = std::make_shared<const SpoolBatch>(*std::move(found));
  DEPUTY_CO_TRY(auto beside, co_await fed.sink->deliver(batch));
  SinkCursor next = fed.cursor;
  next.sequence = batch->last();
  next.beside = std::move(beside);
  auto advance = [this, &next] { return parts_.spool.advance(next); };
  DEPUTY_CO_TRY(co_await run_on(parts_.pool, parts_.loop, advance));
  fed.cursor = std::move(next);
  fed.status.sequence = fed.cursor.sequence;
  fed.status.last_delivery = parts_.clock.now();
  for (const SpooledPage& spooled : batch->pages) {
    fed.status.records += spooled.page.records.size();
    fed.status.message_bytes += spooled.page.message_bytes();
  }
  co_return true;
}

std::vector<SinkStatus> SinkRunner::status() const {
  std::vector<SinkStatus> all;
  for (const auto& fed : fed_) {
    all.push_back(fed->status);
    all.back().refused = fed->sink->refused();
  }
  return all;
}

}  // namespace deputy::logs
