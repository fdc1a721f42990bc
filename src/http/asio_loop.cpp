#include "http/asio_loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <csignal>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/assert.hpp"

namespace deputy::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Interest = EventLoop::Interest;

// One descriptor that is watched. A wait in each direction is pending at most once; one that completes after
// the interest in it went is ignored. Kept alive by its waits, so `live` tells them that the descriptor is no
// longer ours.
struct Watch : std::enable_shared_from_this<Watch> {
  explicit Watch(asio::io_context& context) : descriptor(context) {}

  asio::posix::stream_descriptor descriptor;
  Interest interest;
  std::shared_ptr<const std::function<void(Interest)>>
      callback;  // shared: it may replace itself while it runs
  bool live = true;
  bool read_pending = false;
  bool write_pending = false;

  void arm() {
    if (live && interest.read) wait(asio::posix::descriptor_base::wait_read, read_pending);
    if (live && interest.write) wait(asio::posix::descriptor_base::wait_write, write_pending);
  }

  void wait(asio::posix::descriptor_base::wait_type direction, bool& pending) {
    if (std::exchange(pending, true)) return;
    descriptor.async_wait(direction,
                          [self = shared_from_this(), direction, &pending](const error_code& error) {
                            pending = false;
                            if (error != asio::error::operation_aborted) self->ready(direction, error);
                          });
  }

  void ready(asio::posix::descriptor_base::wait_type direction, const error_code& error) {
    const bool read = direction == asio::posix::descriptor_base::wait_read;
    if (!live || !(read ? interest.read : interest.write)) return;
    const auto running = callback;
    (*running)(Interest{.read = read, .write = !read});
    // What cannot be waited for (a plain file) is told once: the owner sees why when it reads or writes.
    if (!error) arm();
  }
};

}  // namespace

struct AsioLoop::State {
  struct Timer {
    std::optional<asio::steady_timer> timer;  // none where it is due at once
    std::function<void()> work;
  };

  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  std::unordered_map<TimerId, Timer> timers;
  TimerId next_timer = 1;
  std::unordered_map<int, std::shared_ptr<Watch>> watches;
  asio::signal_set signals{context};
  std::function<void(int)> on_signal;
  asio::signal_set reload_signals{context};
  std::function<void()> on_reload;

  // The descriptors are the callers': given back, never closed.
  ~State() {
    while (!watches.empty()) unwatch(watches.begin()->first);
  }

  void unwatch(int descriptor) {
    const auto found = watches.find(descriptor);
    if (found == watches.end()) return;
    const auto watch = std::move(found->second);
    watches.erase(found);
    watch->live = false;
    watch->descriptor.release();
  }

  void run_timer(TimerId id) {
    const auto found = timers.find(id);
    if (found == timers.end()) return;  // cancelled when it was already due
    const auto work = std::move(found->second.work);
    timers.erase(found);
    work();
  }

  void wait_for_signal() {
    signals.async_wait([this](const error_code& error, int signal) {
      if (error) return;
      on_signal(signal);
      wait_for_signal();
    });
  }

  void wait_for_reload() {
    reload_signals.async_wait([this](const error_code& error, int) {
      if (error) return;
      on_reload();
      wait_for_reload();
    });
  }
};

AsioLoop::AsioLoop() : state_(std::make_unique<State>()) {}
AsioLoop::~AsioLoop() = default;

void AsioLoop::run() {
  state_->context.run();
  state_->context.restart();
}

void AsioLoop::stop() {
  state_->context.stop();
}

void AsioLoop::on_stop_signal(std::function<void(int)> on_signal) {
  DEPUTY_ASSERT(!state_->on_signal);
  state_->on_signal = std::move(on_signal);
  state_->signals.add(SIGINT);
  state_->signals.add(SIGTERM);
  state_->wait_for_signal();
}

void AsioLoop::on_reload_signal(std::function<void()> on_signal) {
  DEPUTY_ASSERT(!state_->on_reload);
  state_->on_reload = std::move(on_signal);
  state_->reload_signals.add(SIGHUP);
  state_->wait_for_reload();
}

void AsioLoop::post(std::function<void()> work) {
  asio::post(state_->context, std::move(work));
}

EventLoop::TimerId AsioLoop::call_after(std::chrono::milliseconds delay, std::function<void()> work) {
  const TimerId id = state_->next_timer++;
  State::Timer& added = state_->timers[id];
  added.work = std::move(work);
  // libcurl asks for one with each request, and to set the system's timer is the dearest part of it.
  if (delay <= std::chrono::milliseconds{0}) {
    post([state = state_.get(), id] { state->run_timer(id); });
    return id;
  }
  added.timer.emplace(state_->context, delay);
  added.timer->async_wait([state = state_.get(), id](const error_code& error) {
    if (!error) state->run_timer(id);
  });
  return id;
}

void AsioLoop::cancel(TimerId timer) {
  state_->timers.erase(timer);
}

void AsioLoop::watch(int descriptor, Interest interest, std::function<void(Interest)> callback) {
  auto& watch = state_->watches[descriptor];
  if (!watch) {
    watch = std::make_shared<Watch>(state_->context);
    error_code error;
    watch->descriptor.assign(descriptor, error);
    DEPUTY_ASSERT(!error);
  }
  watch->interest = interest;
  watch->callback = std::make_shared<const std::function<void(Interest)>>(std::move(callback));
  watch->arm();
}

void AsioLoop::unwatch(int descriptor) {
  state_->unwatch(descriptor);
}

asio::io_context& AsioLoop::context() {
  return state_->context;
}

}  // namespace deputy::http
