#include "http/readiness.hpp"

#include <algorithm>
#include <sys/epoll.h>

#include "core/assert.hpp"

namespace deputy::http {
namespace {

// After so many, whatever else waits for the loop has its turn.
constexpr std::size_t events_per_turn = 128;

}  // namespace

Readiness::Readiness(EventLoop& loop) : loop_(loop), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  DEPUTY_ASSERT(epoll_);
  loop_.watch(epoll_.get(), {.read = true}, [this](EventLoop::Interest) { tell(); });
}

Readiness::~Readiness() {
  DEPUTY_ASSERT(!epoll_);
}

void Readiness::close() {
  if (!epoll_) return;
  telling_ = {};
  loop_.unwatch(epoll_.get());
  epoll_ = FileDescriptor{};
}

bool Readiness::add(int descriptor, Watcher& watcher) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &watcher;
  return epoll_ && ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Readiness::remove(int descriptor, const Watcher& watcher) {
  if (epoll_) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
  for (epoll_event& event : telling_)
    if (event.data.ptr == &watcher) event.data.ptr = nullptr;
}

void Readiness::tell() {
  std::array<epoll_event, events_per_turn> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  telling_ = std::span{events}.first(static_cast<std::size_t>(std::max(count, 0)));
  while (!telling_.empty()) {
    const epoll_event event = telling_.front();
    telling_ = telling_.subspan(1);
    if (event.data.ptr == nullptr) continue;
    const bool ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    static_cast<Watcher*>(event.data.ptr)
        ->on_ready({.to_read = ended || (event.events & EPOLLIN) != 0, .ended = ended});
  }
}

}  // namespace deputy::http
