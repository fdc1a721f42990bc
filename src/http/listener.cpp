#include "http/listener.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <spdlog/spdlog.h>
#include <string_view>
#include <sys/socket.h>
#include <utility>

namespace deputy::http {
namespace {

using namespace std::chrono_literals;

constexpr int accepts_per_turn = 64;
constexpr auto accept_backoff = 100ms;
constexpr auto rate_pause = 10ms;

std::string_view reason_of(int code) {
  const char* reason = ::strerrordesc_np(code);
  return reason != nullptr ? reason : "unknown error";
}

bool is_passing(int code) {
  // The connection failed, not the listener: accept(2), "Error handling".
  return code == ECONNABORTED || code == EINTR || code == EPROTO || code == ENETDOWN || code == ENOPROTOOPT ||
         code == EHOSTDOWN || code == ENONET || code == EHOSTUNREACH || code == EOPNOTSUPP ||
         code == ENETUNREACH;
}

}  // namespace

Listener::Listener(EventLoop& loop, FileDescriptor socket, std::size_t per_second_max, Hooks hooks)
    : loop_(loop),
      socket_(std::move(socket)),
      per_second_max_(static_cast<double>(per_second_max)),
      hooks_(std::move(hooks)),
      tokens_(per_second_max_),
      counted_(std::chrono::steady_clock::now()) {
  watch();
}

Listener::~Listener() {
  loop_.cancel(later_);
  loop_.unwatch(socket_.get());
}

void Listener::watch() {
  loop_.watch(socket_.get(), {.read = true}, [this](EventLoop::Interest) { accept_all(); });
}

void Listener::accept_all() {
  for (int i = 0; i < accepts_per_turn; ++i) {
    if (!accept_one()) return;
  }
}

// False when there is nothing more to accept now.
bool Listener::accept_one() {
  if (!take_token()) {
    pause(rate_pause);
    return false;
  }
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  FileDescriptor connection{
      ::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!connection) {
    if (is_passing(errno)) return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK) back_off(errno);
    return false;
  }
  tokens_ -= 1;
  fails_ = false;
  hooks_.on_connection(std::move(connection), reinterpret_cast<const sockaddr&>(peer));
  return true;
}

// A second's worth may come at once.
bool Listener::take_token() {
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - std::exchange(counted_, now)).count();
  tokens_ = std::min(per_second_max_, tokens_ + seconds * per_second_max_);
  return tokens_ >= 1;
}

void Listener::pause(std::chrono::milliseconds time) {
  loop_.unwatch(socket_.get());
  later_ = loop_.call_after(time, [this] {
    later_ = 0;
    watch();
  });
}

// Out of descriptors or memory: the listener stays readable, so watching on would spin.
void Listener::back_off(int code) {
  hooks_.on_failure();
  if (!std::exchange(fails_, true)) {
    spdlog::warn("http: cannot accept connections, trying again: {}", reason_of(code));
  }
  pause(accept_backoff);
}

}  // namespace deputy::http
