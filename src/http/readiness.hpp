#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "core/event_loop.hpp"
#include "core/file_descriptor.hpp"

struct epoll_event;

namespace deputy::http {

// Tells connections when their descriptors become ready, many in one turn of the loop: an epoll of its own
// that the loop watches. A descriptor is entered once and costs no system call after that, which is what the
// loop's own waiting would cost each time. Edge-triggered (epoll(7)): told once for what becomes ready, so a
// watcher goes on until its descriptor would block. On the loop's thread.
class Readiness {
 public:
  struct Ready {
    bool to_read = false;
    bool ended = false;  // the client ended its side, or the connection failed
  };
  class Watcher {
   public:
    // Writing is tried whatever is told. May remove any watcher.
    virtual void on_ready(Ready ready) = 0;
    virtual ~Watcher() = default;
  };

  explicit Readiness(EventLoop& loop);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  // What is ready already is told in a later turn. False when the system has no room for it.
  bool add(int descriptor, Watcher& watcher);
  // The watcher is told nothing more. Before the descriptor is closed.
  void remove(int descriptor, const Watcher& watcher);
  // Ends it; nobody is told anything after that.
  void close();

 private:
  void tell();

  EventLoop& loop_;
  FileDescriptor epoll_;
  std::span<epoll_event> telling_;  // those of this turn that were not told yet
};

}  // namespace deputy::http
