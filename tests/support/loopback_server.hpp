#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "core/assert.hpp"

namespace deputy {

// An HTTP server for tests, on a free port of 127.0.0.1, with a thread for each connection. `answer` gets the
// request as it came (head and body) and gives the bytes to send back, whatever they are; the connection is
// closed after an answer that is empty or says `connection: close`.
class LoopbackServer {
 public:
  using Answer = std::function<std::string(const std::string& request)>;

  explicit LoopbackServer(Answer answer)
      : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    DEPUTY_ASSERT(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    DEPUTY_ASSERT(listen(listener_, 1024) == 0);
    DEPUTY_ASSERT(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread{[this] { accept_all(); }};
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(listener_);
    {
      const std::lock_guard lock{mutex_};
      for (const int connection : open_) shutdown(connection, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    for (const int connection : open_) close(connection);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }

  static std::string ok(const std::string& body) { return response("200 OK", body); }
  static std::string response(const std::string& status, const std::string& body,
                              const std::string& headers = "") {
    return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }

 private:
  void accept_all() {
    for (int connection = 0; (connection = accept(listener_, nullptr, nullptr)) >= 0;) {
      ++connections_;
      const std::lock_guard lock{mutex_};
      open_.push_back(connection);
      threads_.emplace_back([this, connection] { serve(connection); });
    }
  }

  void serve(int connection) {
    std::string buffer;
    for (std::string request; !(request = read_request(connection, buffer)).empty();) {
      const std::string bytes = answer_(request);
      std::size_t sent = 0;
      while (sent < bytes.size()) {
        const ssize_t written = send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (written <= 0) break;
        sent += static_cast<std::size_t>(written);
      }
      if (sent < bytes.size() || bytes.empty() || bytes.find("onnection: close") != std::string::npos) break;
    }
    shutdown(connection, SHUT_RDWR);
  }

  // Empty at the end of the connection. Understands Content-Length only.
  static std::string read_request(int connection, std::string& buffer) {
    std::size_t length = std::string::npos;
    while (buffer.size() < length) {
      if (const std::size_t end = buffer.find("\r\n\r\n");
          length == std::string::npos && end != std::string::npos) {
        const std::size_t field = buffer.find("ontent-Length: ");
        length = end + 4 + (field < end ? std::stoul(buffer.substr(field + 15)) : 0);
        continue;
      }
      char chunk[65'536];
      const ssize_t got = recv(connection, chunk, sizeof chunk, 0);
      if (got <= 0) return {};
      buffer.append(chunk, static_cast<std::size_t>(got));
    }
    std::string request = buffer.substr(0, length);
    buffer.erase(0, length);
    return request;
  }

  Answer answer_;
  int listener_;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::list<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace deputy
