#include "app/integrity_watch.hpp"

#include <spdlog/spdlog.h>

namespace deputy::app {

IntegrityWatch::IntegrityWatch(EventLoop& loop, const Clock& clock, WorkPool& pool, registry::Store& store,
                               registry::Registry& registry, Settings settings, Found found)
    : loop_(loop),
      clock_(clock),
      pool_(pool),
      store_(store),
      registry_(registry),
      settings_(settings),
      found_(std::move(found)) {}

void IntegrityWatch::start() {
  group_.spawn(watch());
}

Task<void> IntegrityWatch::stop() {
  group_.request_stop();
  co_await group_.join();
}

Task<void> IntegrityWatch::watch() {
  while (!group_.stop_token().stop_requested()) {
    auto checked = co_await run_on(pool_, loop_,
                                   [&store = store_, last = last_] { return store.check_integrity(last); });
    if (checked) {
      last_ = checked.value();
    } else if (checked.error().kind == ErrorKind::conflict) {
      co_await report(checked.error());
      co_return;
    } else {
      spdlog::error("the database's integrity could not be checked: {} {}", checked.error().message,
                    checked.error().detail);
    }
    const auto pause = checked ? settings_.interval : settings_.retry;
    if (!co_await sleep_for(loop_, pause, group_.stop_token())) co_return;
  }
}

// First nothing is given out any more; then it is said.
Task<void> IntegrityWatch::report(Error finding) {
  found_(finding);
  spdlog::critical(
      "the database was tampered with, or is damaged: {}. No credentials are issued until it is examined and "
      "restored and the service started again",
      finding.message);
  journal::Entry entry;
  entry.at = clock_.now();
  entry.actor = {"system", "integrity", ""};
  entry.act = "integrity.violated";
  entry.outcome = journal::Outcome::failed;
  entry.detail = "{}";
  const auto noted = co_await run_on(pool_, loop_, [&book = registry_, entry] { return book.note(entry); });
  if (!noted)
    spdlog::error("the finding could not be put on record: {} {}", noted.error().message,
                  noted.error().detail);
}

}  // namespace deputy::app
