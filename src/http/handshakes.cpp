#include "http/handshakes.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace deputy::http {
namespace {

// Half of the cores: the loop, and what answers requests, have the others.
std::size_t threads() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, 8);
}

}  // namespace

Handshakes::Handshakes(EventLoop& loop, std::size_t waiting_max)
    : loop_(loop), pool_({.threads = threads(), .queue_max = waiting_max}) {}

Handshakes::~Handshakes() {
  closing_ = true;
}

bool Handshakes::step(std::shared_ptr<Channel> channel, std::function<void(Channel::Wait)> on_done) {
  // The callback's owner must end on the loop: it is handed over whole, and nothing of it stays here.
  auto done = std::make_shared<std::function<void(Channel::Wait)>>(std::move(on_done));
  return pool_.try_post([this, channel = std::move(channel), done]() mutable {
    const auto wait = closing_ ? Channel::Wait::over : channel->shake_hands();
    channel.reset();
    loop_.post([done = std::move(done), wait] { (*done)(wait); });
  });
}

}  // namespace deputy::http
