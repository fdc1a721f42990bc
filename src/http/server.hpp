#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "core/task.hpp"
#include "http/asio_loop.hpp"
#include "http/message.hpp"

namespace deputy::http {

struct ServerOptions {
  std::string address = "127.0.0.1";           // an IP address literal
  std::uint16_t port = 0;                      // 0: the system chooses
  std::size_t connections_max = 10'000;        // more are answered 503 and closed
  std::size_t body_bytes_max = 1024 * 1024;    // more: 413
  std::size_t header_bytes_max = 16 * 1024;    // more: 431
  std::size_t requests_in_flight_max = 2'000;  // more: 503 with Retry-After
  std::chrono::seconds header_timeout{
      10};  // to receive the header of a request, and its body: slow senders are cut off
  std::chrono::seconds body_timeout{30};
  std::chrono::seconds idle_timeout{75};   // between requests of one connection
  std::chrono::seconds write_timeout{30};  // a client that does not read
};

// An HTTP/1.1 listener with keep-alive. Refuses what invites smuggling: both Content-Length and
// Transfer-Encoding, several Hosts, a bad target. All on the loop's thread.
class Server {
 public:
  Server(AsioLoop& loop, ServerOptions options, Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds and begins to accept. The message names the address and the system's reason.
  Result<void> listen();
  std::uint16_t port() const;  // after listen

  // Stops accepting, lets requests in flight finish (their connections close after), cuts what is left after
  // `grace`.
  Task<void> drain(std::chrono::milliseconds grace);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace deputy::http
