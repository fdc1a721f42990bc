#include "broker/recorder.hpp"

#include <algorithm>
#include <utility>

namespace deputy::broker {

// co_await: until the record's transaction has ended.
struct Recorder::Waiting {
  Recorder& recorder;
  const registry::IssuanceRecord& record;
  std::optional<Result<void>> outcome;
  std::coroutine_handle<> waiter{};

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> suspended) {
    waiter = suspended;
    recorder.waiting_.push_back(this);
    if (std::exchange(recorder.writing_, true)) return;
    // Not at once: other requests of this turn of the loop come along.
    recorder.loop_.post([&all = recorder] { all.group_.spawn(all.write_all()); });
  }
  Result<void> await_resume() { return *std::move(outcome); }
};

Recorder::Recorder(EventLoop& loop, const Clock& clock, WorkPool& pool, registry::Registry& registry,
                   Tally& tally)
    : loop_(loop), clock_(clock), pool_(pool), registry_(registry), tally_(tally) {}

Task<Result<void>> Recorder::record(const registry::IssuanceRecord& record) {
  if (waiting_.size() >= waiting_max)
    co_return Error{ErrorKind::overloaded, "too much is waiting for the journal; try again shortly"}
        .with_retry_after(std::chrono::seconds{1});
  co_return co_await Waiting{*this, record, std::nullopt};
}

Task<void> Recorder::write_all() {
  while (!waiting_.empty()) {
    const std::size_t count = std::min(waiting_.size(), records_of_one_write_max);
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Waiting*> batch{waiting_.begin(), end};
    waiting_.erase(waiting_.begin(), end);
    co_await write(std::move(batch));
  }
  writing_ = false;
}

// Whoever waits goes on in a turn of its own: the next transaction is begun first.
Task<void> Recorder::write(std::vector<Waiting*> batch) {
  std::vector<const registry::IssuanceRecord*> records;
  records.reserve(batch.size());
  for (const Waiting* const each : batch) records.push_back(&each->record);
  const auto began = clock_.steady_now();
  using Outcomes = std::vector<Result<void>>;
  auto outcomes = co_await run_on(pool_, loop_,
                                  [&]() -> Result<Outcomes> { return registry_.record_issuances(records); });
  tally_.journal_seconds.observe(clock_.steady_now() - began);
  tally_.journal_records.observe(static_cast<double>(batch.size()));
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i]->outcome = outcomes ? std::move(outcomes.value()[i]) : Result<void>{outcomes.error()};
    loop_.post([waiter = batch[i]->waiter] { waiter.resume(); });
  }
}

Task<void> Recorder::stop() {
  // One that was about to begin has no task yet.
  while (writing_) {
    co_await resume_on(loop_);
    co_await group_.join();
  }
}

}  // namespace deputy::broker
