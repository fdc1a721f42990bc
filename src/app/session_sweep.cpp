#include "app/session_sweep.hpp"

#include <spdlog/spdlog.h>

namespace deputy::app {

Task<void> SessionSweep::stop() {
  group_.request_stop();
  co_await group_.join();
}

Task<void> SessionSweep::run() {
  do {
    co_await sweep();
  } while (co_await sleep_for(loop_, settings_.interval, group_.stop_token()));
}

Task<void> SessionSweep::sweep() {
  std::size_t removed = 0;
  do {
    const auto forgotten = co_await run_on(pool_, loop_, [&book = registry_, limit = settings_.at_once] {
      return book.forget_old_connect_sessions(limit);
    });
    if (!forgotten) {
      spdlog::error("old connect sessions could not be removed: {} {}", forgotten.error().message,
                    forgotten.error().detail);
      co_return;
    }
    removed = forgotten.value();
  } while (removed == settings_.at_once && !group_.stop_token().stop_requested());
}

}  // namespace deputy::app
