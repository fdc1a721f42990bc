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
#include <utility>

#include "core/assert.hpp"
#include "core/file_descriptor.hpp"
#include "http/certificate_watch.hpp"
#include "http/listener.hpp"
#include "http/service.hpp"
#include "http/session.hpp"
#include "http/unix_socket.hpp"

namespace deputy::http {
namespace {

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
std::string text_of(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.sa_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      ::inet_ntop(AF_INET, &v6.s6_addr[12], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &v6, text.data(), text.size());
    }
  } else {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text.data(), text.size());
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

// A listening socket at the address; `port` becomes its port.
Result<FileDescriptor> open_address(const ServerOptions& options, std::uint16_t& port) {
  auto address = parse_address(options.address, options.port);
  if (!address) {
    return Error{ErrorKind::invalid_request,
                 fmt::format("cannot listen on {}: not an IP address", in_backticks(options.address))};
  }
  FileDescriptor made{::socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!made || !set_flag(made.get(), SOL_SOCKET, SO_REUSEADDR) ||
      ::bind(made.get(), address->data(), address->size) != 0 || ::listen(made.get(), SOMAXCONN) != 0 ||
      ::getsockname(made.get(), address->data(), &address->size) != 0)
    return system_error(options, errno);
  port = port_of(*address);
  return made;
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

  std::uint16_t port = 0;
  std::shared_ptr<const Certificate> certificate;  // with TLS: of new connections
  std::optional<UnixSocket> unix_socket;           // gone from the file system before its listener closes
  std::optional<Listener> tcp;
  std::optional<Listener> local;
  std::optional<CertificateWatch> certificate_watch;

  Result<void> open();
  Result<void> open_tls();
  Listener::Hooks hooks(void (State::*on_connection)(FileDescriptor, const sockaddr&));
  void accept_tcp(FileDescriptor connection, const sockaddr& peer);
  void accept_unix(FileDescriptor connection, const sockaddr& peer);
  void start_session(std::shared_ptr<Channel> channel, Peer peer);
  void use(CertificateWatch::Loaded loaded);
  void stop_accepting();
  static Task<void> drain(std::shared_ptr<State> state, std::chrono::milliseconds grace);
};

Result<void> Server::State::open() {
  if (options.tls) {
    DEPUTY_TRY(open_tls());
  }
  DEPUTY_TRY(auto socket, open_address(options, port));
  FileDescriptor local_socket;
  if (!options.unix_socket.empty()) {
    DEPUTY_TRY(auto made, UnixSocket::listen(options.unix_socket));
    local_socket = made.take();
    unix_socket.emplace(std::move(made));
  }
  tcp.emplace(loop, std::move(socket), options.connections_per_second_max, hooks(&State::accept_tcp));
  if (local_socket)
    local.emplace(loop, std::move(local_socket), options.connections_per_second_max,
                  hooks(&State::accept_unix));
  return success();
}

Result<void> Server::State::open_tls() {
  DEPUTY_TRY(certificate, Certificate::load(*options.tls));
  handshakes = std::make_unique<Handshakes>(loop, options.handshakes_max);
  certificate_watch.emplace(loop, *handshakes, *options.tls, options.certificate_check_period,
                            [this](CertificateWatch::Loaded loaded) { use(std::move(loaded)); });
  return success();
}

void Server::State::use(CertificateWatch::Loaded loaded) {
  if (loaded.has_error()) {
    ++counts.certificate_reload_failures;
    spdlog::error("http: the certificate in use stays: {}", loaded.error().message);
    return;
  }
  ++counts.certificate_reloads;
  certificate = std::move(loaded).value();
  spdlog::info("http: new connections use the certificate as it is now in {}",
               in_backticks(options.tls->certificate.string()));
}

Listener::Hooks Server::State::hooks(void (State::*on_connection)(FileDescriptor, const sockaddr&)) {
  return {.on_connection = [this, on_connection](
                               FileDescriptor connection,
                               const sockaddr& peer) { (this->*on_connection)(std::move(connection), peer); },
          .on_failure = [this] { ++counts.accept_failures; }};
}

void Server::State::accept_tcp(FileDescriptor connection, const sockaddr& peer) {
  ++counts.accepted_by_tcp;
  set_flag(connection.get(), IPPROTO_TCP, TCP_NODELAY);
  auto channel =
      certificate ? certificate->channel(std::move(connection)) : plain_channel(std::move(connection));
  if (channel) start_session(std::move(channel), Peer{text_of(peer), std::nullopt});
}

// Who it is comes from the kernel, or the connection is not taken.
void Server::State::accept_unix(FileDescriptor connection, const sockaddr&) {
  ++counts.accepted_by_unix;
  const auto user = peer_user_of(connection.get());
  if (user) start_session(plain_channel(std::move(connection)), Peer{"unix", user});
}

void Server::State::start_session(std::shared_ptr<Channel> channel, Peer peer) {
  if (sessions_refused >= refused_sessions_max) {
    ++counts.connections_refused;
    return;
  }
  const bool too_many = sessions.size() - sessions_refused >= options.connections_max && !evict_idle();
  const auto session = std::make_shared<Session>(shared_from_this(), std::move(channel), std::move(peer));
  if (too_many) {
    session->start_refused();
  } else {
    session->start();
  }
}

void Server::State::stop_accepting() {
  certificate_watch.reset();
  unix_socket.reset();
  local.reset();
  tcp.reset();
}

Server::Server(AsioLoop& loop, ServerOptions options, Handler handler)
    : state_(std::make_shared<State>(loop, std::move(options), std::move(handler))) {}

Server::~Server() {
  state_->draining = true;
  state_->stop_accepting();
  while (!state_->sessions.empty()) state_->sessions.back()->cut();
  state_->handshakes.reset();
  state_->readiness.close();
  if (state_->tasks.running() > 0) outlive_handlers(state_);
}

Result<void> Server::listen() {
  DEPUTY_ASSERT(!state_->tcp && !state_->draining);
  auto opened = state_->open();
  if (opened.has_error()) state_->stop_accepting();
  return opened;
}

std::uint16_t Server::port() const {
  return state_->port;
}
void Server::reload_certificate() {
  if (state_->certificate_watch) state_->certificate_watch->reload();
}
std::size_t Server::connections() const {
  return state_->sessions.size();
}
std::size_t Server::requests_in_flight() const {
  return state_->requests_in_flight;
}
std::size_t Server::accept_failures() const {
  return state_->counts.accept_failures;
}
ServerCounts Server::counts() const {
  return {.tally = state_->counts,
          .connections = state_->sessions.size(),
          .connections_max = state_->options.connections_max,
          .lanes = state_->admission.counts(),
          .certificate_expires = state_->certificate ? state_->certificate->expires_at() : 0};
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
  for (std::size_t i = state->sessions.size(); i-- > 0;) state->sessions[i]->finish();
  co_await QuietAwaiter{std::make_shared<Quiet>(Quiet{state, {}}), grace};
  while (!state->sessions.empty()) state->sessions.back()->cut();
}

Task<void> Server::drain(std::chrono::milliseconds grace) {
  return State::drain(state_, grace);
}

}  // namespace deputy::http
