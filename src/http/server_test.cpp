#include "http/server.hpp"

#include "support/loop_runner.hpp"

#include <gtest/gtest.h>

#include "http/socket_client.hpp"

namespace deputy::http {
namespace {

using namespace std::chrono_literals;

Task<Response> echo(Request request) {
  Response response;
  response.headers.add("Content-Type", "text/plain");
  response.body = request.method + " " + request.path + "?" + request.query + " " + request.body;
  co_return response;
}

// A server on a thread of its own; the test is its blocking client.
class Running {
 public:
  explicit Running(ServerOptions options = {}, Handler handler = echo) {
    thread_.call([&] {
      server_ = std::make_unique<Server>(thread_.loop(), std::move(options), std::move(handler));
      const auto listening = server_->listen();
      ASSERT_TRUE(listening) << listening.error().message;
      port_ = server_->port();
    });
  }
  ~Running() {
    thread_.call([&] { server_.reset(); });
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  SocketClient connect() const { return SocketClient{port_}; }
  std::string exchange(std::string_view bytes) const {
    auto client = connect();
    client.send(bytes);
    client.end_sending();
    return client.receive_all();
  }

  LoopThread& thread() { return thread_; }
  Server& server() { return *server_; }
  std::uint16_t port() const { return port_; }

 private:
  LoopThread thread_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
};

TEST(Server, AnswersAndKeepsTheConnection) {
  const Running running;
  auto client = running.connect();
  for (int i = 0; i < 3; ++i) {
    client.send("GET /a%20b?c=d HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto reply = client.receive_response();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "GET /a b?c=d ");
    EXPECT_EQ(reply.headers.find("Content-Type"), "text/plain");
    EXPECT_TRUE(reply.headers.find("Date"));
    EXPECT_FALSE(reply.headers.find("Server"));
    EXPECT_FALSE(reply.headers.find("Connection"));
  }
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  const auto last = client.receive_response();
  EXPECT_EQ(last.body, "POST /x? hello");
  EXPECT_EQ(last.headers.find("Connection"), "close");
  EXPECT_TRUE(client.is_closed());
}

}  // namespace
}  // namespace deputy::http
