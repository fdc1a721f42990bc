#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "core/event_loop.hpp"
#include "core/file_descriptor.hpp"

struct sockaddr;

namespace deputy::http {

// One listening socket: accepts what comes, no faster than a rate, and pauses while the system has no room.
// On the loop's thread.
class Listener {
 public:
  struct Hooks {
    // Takes a new connection, non-blocking.
    std::function<void(FileDescriptor, const sockaddr&)> on_connection;
    std::function<void()> on_failure;  // accepting failed for want of descriptors or memory
  };
  // `socket` is bound and listens.
  Listener(EventLoop& loop, FileDescriptor socket, std::size_t per_second_max, Hooks hooks);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  void watch();
  void accept_all();
  bool accept_one();
  bool take_token();
  void pause(std::chrono::milliseconds time);
  void back_off(int code);

  EventLoop& loop_;
  FileDescriptor socket_;
  const double per_second_max_;
  const Hooks hooks_;
  double tokens_;
  std::chrono::steady_clock::time_point counted_;
  EventLoop::TimerId later_ = 0;
  bool fails_ = false;
};

}  // namespace deputy::http
