#pragma once

#include <arpa/inet.h>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "http/message.hpp"

namespace deputy::http {

// A blocking client that sends exactly the bytes it is given, for tests. What takes over 20 s ends the test
// program.
class SocketClient {
 public:
  struct Reply {
    int status = 0;  // 0: the connection ended first
    Headers headers;
    std::string body;
  };

  // With `receive_bytes`, the kernel's receive buffer is that small: for a client that does not read.
  explicit SocketClient(std::uint16_t port, int receive_bytes = 0)
      : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_bytes > 0)
      ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      fail("connect");
  }
  ~SocketClient() { close(); }
  SocketClient(SocketClient&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), received_(std::move(other.received_)) {}
  SocketClient& operator=(SocketClient&&) = delete;

  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  // Ends the connection with a reset.
  void reset() {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void end_sending() const { ::shutdown(descriptor_, SHUT_WR); }

  // False when the server has closed.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Everything up to the end of the connection.
  std::string receive_all() {
    while (receive_more()) continue;
    return std::exchange(received_, {});
  }
  // Whether the server ends the connection without another byte.
  bool is_closed() { return receive_all().empty(); }

  // The next final response; for one to a HEAD, say so, since its body does not come.
  Reply receive_response(bool to_head = false) {
    Reply reply;
    const std::string header = receive_header();
    if (header.empty()) return reply;
    reply.status = to_number(std::string_view{header}.substr(9, 3));
    for (std::size_t line = header.find("\r\n") + 2; line + 2 < header.size();) {
      const auto end = header.find("\r\n", line);
      const auto colon = header.find(": ", line);
      reply.headers.add(header.substr(line, colon - line), header.substr(colon + 2, end - colon - 2));
      line = end + 2;
    }
    const auto length = reply.headers.find("Content-Length");
    if (!length || to_head) return reply;
    const auto size = static_cast<std::size_t>(to_number(*length));
    while (received_.size() < size && receive_more()) continue;
    reply.body = received_.substr(0, size);
    received_.erase(0, size);
    return reply;
  }
  // Up to and with the next empty line; empty if the connection ends first.
  std::string receive_header() {
    while (received_.find("\r\n\r\n") == std::string::npos) {
      if (!receive_more()) return {};
    }
    const auto size = received_.find("\r\n\r\n") + 4;
    std::string header = received_.substr(0, size);
    received_.erase(0, size);
    return header;
  }
  // Whether nothing comes for so long, and the connection stays.
  bool is_silent(int milliseconds) const {
    pollfd ready{.fd = descriptor_, .events = POLLIN, .revents = 0};
    return received_.empty() && ::poll(&ready, 1, milliseconds) == 0;
  }

 private:
  [[noreturn]] static void fail(const char* what) {
    std::fprintf(stderr, "SocketClient: %s failed or took too long\n", what);
    std::abort();
  }
  static int to_number(std::string_view text) {
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }
  bool receive_more() {
    pollfd ready{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 20'000) != 1) fail("receive");
    char bytes[65536];
    const ssize_t size = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    received_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }

  int descriptor_;
  std::string received_;
};

}  // namespace deputy::http
