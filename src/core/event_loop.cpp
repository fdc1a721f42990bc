#include "core/event_loop.hpp"

#include <memory>
#include <optional>

namespace deputy {
namespace {

// Shared between the timer, the stop callback and the sleeper; touched on the loop's thread only.
struct Sleep {
  EventLoop& loop;
  std::coroutine_handle<> sleeper;
  EventLoop::TimerId timer = 0;
  bool done = false;
  bool stopped = false;

  void wake(bool by_stop) {
    if (std::exchange(done, true)) return;
    stopped = by_stop;
    if (by_stop) loop.cancel(timer);
    sleeper.resume();
  }
};

struct SleepAwaiter {
  std::shared_ptr<Sleep> sleep;
  std::chrono::milliseconds delay;
  std::stop_token stop;
  std::optional<std::stop_callback<std::function<void()>>> on_stop;

  bool await_ready() const noexcept { return stop.stop_requested(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    sleep->sleeper = waiting;
    sleep->timer = sleep->loop.call_after(delay, [state = sleep] { state->wake(false); });
    on_stop.emplace(stop, [state = sleep] { state->loop.post([state] { state->wake(true); }); });
  }
  bool await_resume() const noexcept { return sleep->done && !sleep->stopped; }
};

}  // namespace

Task<bool> sleep_for(EventLoop& loop, std::chrono::milliseconds delay, std::stop_token stop) {
  SleepAwaiter awaiter{std::make_shared<Sleep>(Sleep{loop, {}}), delay, std::move(stop), std::nullopt};
  co_return co_await awaiter;
}

}  // namespace deputy
