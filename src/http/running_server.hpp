#pragma once

#include "support/loop_runner.hpp"
#include "support/temporary_folder.hpp"

#include <coroutine>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/server.hpp"
#include "http/socket_client.hpp"
#include "http/test_certificate.hpp"

namespace deputy::http {

// Answers with what it was asked.
inline Task<Response> echo(Request request) {
  Response response;
  response.headers.add("Content-Type", "text/plain");
  response.body = request.method + " " + request.path + "?" + request.query + " " + request.body;
  co_return response;
}

// How clients come to the server.
enum class Way { tcp, tls, unix_socket };
inline std::string name_of(const testing::TestParamInfo<Way>& way) {
  constexpr const char* names[] = {"Tcp", "Tls", "UnixSocket"};
  return names[static_cast<std::size_t>(way.param)];
}
inline auto every_way() {
  return testing::Values(Way::tcp, Way::tls, Way::unix_socket);
}

// A server on a thread of its own; the test is its blocking client.
class RunningServer {
 public:
  explicit RunningServer(ServerOptions options = {}, Handler handler = echo)
      : RunningServer(Way::tcp, std::move(options), std::move(handler)) {}
  explicit RunningServer(Way way, ServerOptions options = {}, Handler handler = echo) : way_(way) {
    if (way == Way::unix_socket) options.unix_socket = folder_.path() / "socket";
    if (way == Way::tls) options.tls = write_pair(folder_.path());
    thread_.call([&] {
      server_ = std::make_unique<Server>(thread_.loop(), std::move(options), std::move(handler));
      const auto listening = server_->listen();
      ASSERT_TRUE(listening) << listening.error().message;
      port_ = server_->port();
    });
  }
  ~RunningServer() { destroy(); }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  void destroy() {
    thread_.call([&] { server_.reset(); });
  }
  void drain(std::chrono::milliseconds grace) { thread_.run(server_->drain(grace)); }

  Place place() const {
    Place place{.port = port_, .tls = way_ == Way::tls};
    if (way_ == Way::unix_socket) place.unix_socket = folder_.path() / "socket";
    return place;
  }
  SocketClient connect(int receive_bytes = 0) const { return SocketClient{place(), receive_bytes}; }
  // Sends this on a new connection; all that comes back until the server closes.
  std::string exchange(std::string_view bytes) const {
    auto client = connect();
    client.send(bytes);
    return client.receive_all();
  }
  // Whether it answers a plain request.
  bool serves() const {
    auto client = connect();
    client.send("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n");
    return client.receive_response().status == 200;
  }
  std::size_t connections() {
    std::size_t count = 0;
    thread_.call([&] { count = server_->connections(); });
    return count;
  }
  std::size_t in_flight() {
    std::size_t count = 0;
    thread_.call([&] { count = server_->requests_in_flight(); });
    return count;
  }

  std::size_t accept_failures() {
    std::size_t count = 0;
    thread_.call([&] { count = server_->accept_failures(); });
    return count;
  }

  ServerCounts counts() {
    ServerCounts counts;
    thread_.call([&] { counts = server_->counts(); });
    return counts;
  }
  void reload_certificate() {
    thread_.call([&] { server_->reload_certificate(); });
  }

  LoopThread& thread() { return thread_; }
  std::uint16_t port() const { return port_; }
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
  const Way way_;
  LoopThread thread_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
};

// Where handlers wait until the test lets them go on. On the loop's thread.
class Gate {
 public:
  auto wait() {
    struct Awaiter {
      Gate& gate;
      bool await_ready() const noexcept { return gate.open_; }
      void await_suspend(std::coroutine_handle<> waiting) const { gate.waiting_.push_back(waiting); }
      void await_resume() const noexcept {}
    };
    return Awaiter{*this};
  }
  void open() {
    open_ = true;
    for (const auto waiting : std::exchange(waiting_, {})) waiting.resume();
  }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  bool open_ = false;
  std::vector<std::coroutine_handle<>> waiting_;
};

inline Task<Response> echo_after(Gate& gate, Request request) {
  co_await gate.wait();
  co_return co_await echo(std::move(request));
}

inline Handler behind(Gate& gate) {
  return [&gate](Request request) { return echo_after(gate, std::move(request)); };
}

// Until `count` handlers wait at the gate. Bounded by the test's time-out.
inline void wait_until_waiting(RunningServer& running, const Gate& gate, std::size_t count) {
  for (std::size_t waiting = 0; waiting != count;) {
    running.thread().call([&] { waiting = gate.waiting(); });
  }
}

}  // namespace deputy::http
