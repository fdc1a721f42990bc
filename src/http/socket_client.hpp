#pragma once

#include <arpa/inet.h>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include "http/message.hpp"
#include "http/openssl.hpp"

namespace deputy::http {

// Where a test's server listens.
struct Place {
  std::uint16_t port = 0;
  std::string unix_socket;  // instead of the port
  bool tls = false;         // the certificate is not looked at: SDKs and curl do that in tests/server
};

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
      : SocketClient(Place{.port = port}, receive_bytes) {}
  explicit SocketClient(const Place& place, int receive_bytes = 0, SSL_SESSION* session = nullptr)
      : descriptor_(place.unix_socket.empty() ? connected(place.port, receive_bytes)
                                              : connected(place.unix_socket)) {
    if (place.tls) shake_hands(session);
  }
  ~SocketClient() { close(); }
  SocketClient(SocketClient&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        context_(std::move(other.context_)),
        ssl_(std::move(other.ssl_)),
        received_(std::move(other.received_)) {}
  SocketClient& operator=(SocketClient&&) = delete;

  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  int descriptor() const { return descriptor_; }
  // With TLS; null when the handshake failed.
  SSL* ssl() const { return ssl_.get(); }
  // Ends the connection with a reset.
  void reset() {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void end_sending() const {
    if (ssl_) SSL_shutdown(ssl_.get());
    ::shutdown(descriptor_, SHUT_WR);
  }

  // False when the server has closed.
  bool send(std::string_view bytes) const {
    if (context_) {
      std::size_t written = 0;
      return ssl_ && (bytes.empty() || SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) == 1);
    }
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
  // Whether a byte of an answer comes within that time. What TLS sends for itself (session tickets) is none.
  bool answers_within(int milliseconds) const {
    pollfd ready{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, milliseconds) == 0) return false;
    if (!ssl_) return true;
    SSL_clear_mode(ssl_.get(), SSL_MODE_AUTO_RETRY);  // come back after a ticket
    char byte = 0;
    std::size_t bytes = 0;
    const bool answers = SSL_peek_ex(ssl_.get(), &byte, 1, &bytes) == 1;
    SSL_set_mode(ssl_.get(), SSL_MODE_AUTO_RETRY);
    return answers;
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
  static int connected(std::uint16_t port, int receive_bytes) {
    const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_bytes > 0) ::setsockopt(made, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    const int at_once = 1;  // else what is sent second waits for the first one's acknowledgement
    ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
    return made;
  }
  static int connected(const std::string& path) {
    const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
    return made;
  }

  void shake_hands(SSL_SESSION* session) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    context_.reset(SSL_CTX_new(TLS_client_method()));
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), descriptor_);
    if (session != nullptr) SSL_set_session(ssl_.get(), session);
    if (SSL_connect(ssl_.get()) != 1) ssl_.reset();
  }

  bool receive_more() {
    if (context_) return receive_more_by_tls();
    pollfd ready{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 20'000) != 1) fail("receive");
    char bytes[65536];
    const ssize_t size = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    received_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }

  bool receive_more_by_tls() {
    if (!ssl_) return false;
    pollfd ready{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (SSL_has_pending(ssl_.get()) == 0 && ::poll(&ready, 1, 20'000) != 1) fail("receive");
    char bytes[16384];
    std::size_t size = 0;
    if (SSL_read_ex(ssl_.get(), bytes, sizeof bytes, &size) != 1) return false;
    received_.append(bytes, size);
    return true;
  }

  int descriptor_;
  openssl::Context context_;  // with TLS
  openssl::Ssl ssl_;          // null when the handshake failed
  std::string received_;
};

}  // namespace deputy::http
