#include "http/server.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <coroutine>
#include <cstring>
#include <exception>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <spdlog/spdlog.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "core/assert.hpp"
#include "http/service.hpp"
#include "http/session.hpp"

namespace deputy::http {
namespace {

using namespace std::chrono_literals;

constexpr int accepts_per_turn = 64;
constexpr auto accept_backoff = 100ms;
// Beyond connections_max, so many may wait for their 503; the next are closed without a word.
constexpr std::size_t refused_sessions_max = 128;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* data() { return reinterpret_cast<sockaddr*>(&storage); }
};

std::optional<Address> parse_address(const std::string& text, std::uint16_t port) {
  Address address;
  if (sockaddr_in v4{}; ::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.size = sizeof v4;
    return address;
  }
  if (sockaddr_in6 v6{}; ::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size = sizeof v6;
    return address;
  }
  return std::nullopt;
}

std::uint16_t port_of(const Address& address) {
  if (address.storage.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);
}

// The address without the port; an IPv4 client of an IPv6 listener shows as IPv4.
std::string text_of(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.storage.ss_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      ::inet_ntop(AF_INET, &v6.s6_addr[12], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &v6, text.data(), text.size());
    }
  } else {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address.storage).sin_addr, text.data(),
                text.size());
  }
  return text.data();
}

std::string_view reason_of(int code) {
  const char* reason = ::strerrordesc_np(code);
  return reason != nullptr ? reason : "unknown error";
}

std::string place_of(const ServerOptions& options) {
  const bool is_v6 = options.address.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", options.address, options.port)
               : fmt::format("{}:{}", options.address, options.port);
}

Error system_error(const ServerOptions& options, int code) {
  return {ErrorKind::internal,
          fmt::format("cannot listen on {}: {}", in_backticks(place_of(options)), reason_of(code))};
}

bool set_flag(int descriptor, int level, int option) {
  const int on = 1;
  return ::setsockopt(descriptor, level, option, &on, sizeof on) == 0;
}

bool is_passing(int code) {
  // The connection failed, not the listener: accept(2), "Error handling".
  return code == ECONNABORTED || code == EINTR || code == EPROTO || code == ENETDOWN || code == ENOPROTOOPT ||
         code == EHOSTDOWN || code == ENONET || code == EHOSTUNREACH || code == EOPNOTSUPP ||
         code == ENETUNREACH;
}

// A coroutine that nobody waits for.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

// Keeps the service until its handlers are done, and to the next turn: the last of them is still inside its
// task group here.
Detached outlive_handlers(std::shared_ptr<Service> service) {
  co_await service->tasks.join();
  service->loop.post([service] {});
}

}  // namespace

struct Server::State : Service {
  using Service::Service;

  int listener = -1;
  std::uint16_t port = 0;
  EventLoop::TimerId accept_later = 0;
  bool accept_fails = false;
  std::size_t accept_failures = 0;

  Result<void> open();
  void watch();
  void accept_all();
  bool accept_one();
  void start_session(int descriptor, const Address& peer);
  void back_off(int code);
  void stop_accepting();
  static Task<void> drain(std::shared_ptr<State> state, std::chrono::milliseconds grace);
};

Result<void> Server::State::open() {
  auto address = parse_address(options.address, options.port);
  if (!address) {
    return Error{ErrorKind::invalid_request,
                 fmt::format("cannot listen on {}: not an IP address", in_backticks(options.address))};
  }
  const int descriptor = ::socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return system_error(options, errno);
  if (!set_flag(descriptor, SOL_SOCKET, SO_REUSEADDR) ||
      ::bind(descriptor, address->data(), address->size) != 0 || ::listen(descriptor, SOMAXCONN) != 0 ||
      ::getsockname(descriptor, address->data(), &address->size) != 0) {
    const int code = errno;
    ::close(descriptor);
    return system_error(options, code);
  }
  listener = descriptor;
  port = port_of(*address);
  watch();
  return success();
}

void Server::State::watch() {
  loop.watch(listener, {.read = true}, [this](EventLoop::Interest) { accept_all(); });
}

void Server::State::accept_all() {
  for (int i = 0; i < accepts_per_turn && listener >= 0; ++i) {
    if (!accept_one()) return;
  }
}

// False when there is nothing more to accept now.
bool Server::State::accept_one() {
  Address peer;
  peer.size = sizeof peer.storage;
  const int descriptor = ::accept4(listener, peer.data(), &peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (descriptor < 0) {
    if (is_passing(errno)) return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK) back_off(errno);
    return false;
  }
  accept_fails = false;
  start_session(descriptor, peer);
  return true;
}

void Server::State::start_session(int descriptor, const Address& peer) {
  if (sessions_refused >= refused_sessions_max) {
    ::close(descriptor);
    return;
  }
  set_flag(descriptor, IPPROTO_TCP, TCP_NODELAY);
  const bool too_many = sessions.size() - sessions_refused >= options.connections_max;
  const auto session = std::make_shared<Session>(shared_from_this(), descriptor, text_of(peer));
  if (too_many) {
    session->start_refused();
  } else {
    session->start();
  }
}

// Out of descriptors or memory: the listener stays readable, so watching on would spin.
void Server::State::back_off(int code) {
  ++accept_failures;
  if (!std::exchange(accept_fails, true)) {
    spdlog::warn("http: cannot accept connections, trying again: {}", reason_of(code));
  }
  loop.unwatch(listener);
  accept_later = loop.call_after(accept_backoff, [this] {
    accept_later = 0;
    watch();
  });
}

void Server::State::stop_accepting() {
  if (listener < 0) return;
  loop.cancel(std::exchange(accept_later, 0));
  loop.unwatch(listener);
  ::close(std::exchange(listener, -1));
}

Server::Server(AsioLoop& loop, ServerOptions options, Handler handler)
    : state_(std::make_shared<State>(loop, std::move(options), std::move(handler))) {}

Server::~Server() {
  state_->draining = true;
  state_->stop_accepting();
  while (!state_->sessions.empty()) state_->sessions.back()->shared_from_this()->cut();
  if (state_->tasks.running() > 0) outlive_handlers(state_);
}

Result<void> Server::listen() {
  DEPUTY_ASSERT(state_->listener < 0 && !state_->draining);
  return state_->open();
}

std::uint16_t Server::port() const {
  return state_->port;
}
std::size_t Server::connections() const {
  return state_->sessions.size();
}
std::size_t Server::requests_in_flight() const {
  return state_->requests_in_flight;
}
std::size_t Server::accept_failures() const {
  return state_->accept_failures;
}

namespace {

// Waits until the service is quiet or the time is over. Shared by the two callbacks; the first wakes the
// waiter.
struct Quiet {
  std::shared_ptr<Service> service;
  std::coroutine_handle<> waiter;
  EventLoop::TimerId timer = 0;

  void wake() {
    service->on_quiet = nullptr;
    service->loop.cancel(timer);
    if (const auto waiting = std::exchange(waiter, {})) waiting.resume();
  }
};

struct QuietAwaiter {
  std::shared_ptr<Quiet> quiet;
  std::chrono::milliseconds grace;

  bool await_ready() const {
    return quiet->service->sessions.empty() && quiet->service->requests_in_flight == 0;
  }
  void await_suspend(std::coroutine_handle<> waiting) const {
    quiet->waiter = waiting;
    quiet->timer = quiet->service->loop.call_after(grace, [state = quiet] { state->wake(); });
    // In a later turn: the task and the session that ended last are still on the stack.
    quiet->service->on_quiet = [state = quiet] { state->service->loop.post([state] { state->wake(); }); };
  }
  void await_resume() const noexcept {}
};

}  // namespace

Task<void> Server::State::drain(std::shared_ptr<State> state, std::chrono::milliseconds grace) {
  DEPUTY_ASSERT(!state->draining);
  state->draining = true;
  state->stop_accepting();
  for (std::size_t i = state->sessions.size(); i-- > 0;) state->sessions[i]->shared_from_this()->finish();
  co_await QuietAwaiter{std::make_shared<Quiet>(Quiet{state, {}}), grace};
  while (!state->sessions.empty()) state->sessions.back()->shared_from_this()->cut();
}

Task<void> Server::drain(std::chrono::milliseconds grace) {
  return State::drain(state_, grace);
}

}  // namespace deputy::http
