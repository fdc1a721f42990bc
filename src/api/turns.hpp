#pragma once

#include <coroutine>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/event_loop.hpp"
#include "core/task.hpp"

namespace deputy::api {

// Lets some do their work at a time while others wait for their turn, one client after the other: whoever
// brings much waits behind itself. Bounded: beyond so many of one client, or of all, nobody waits. On the
// loop's thread. REQUIRES that all who entered have left when it ends.
class Turns {
 public:
  struct Limits {
    std::size_t at_once_max = 2;
    std::size_t waiting_max = 2'048;
    std::size_t waiting_of_client_max = 512;
  };
  Turns(EventLoop& loop, Limits limits) : loop_(loop), limits_(limits) {}

  // True when it is the client's turn, after a while perhaps: then `leave` has to follow. False at once when
  // too many wait.
  Task<bool> enter(std::string client);
  void leave();

  // Leaves at the end of its scope, also when what was done there failed with an exception: a turn that is
  // never given back is one less for everybody.
  class Leaving {
   public:
    explicit Leaving(Turns& turns) : turns_(turns) {}
    Leaving(const Leaving&) = delete;
    Leaving& operator=(const Leaving&) = delete;
    ~Leaving() { turns_.leave(); }

   private:
    Turns& turns_;
  };

  std::size_t waiting() const { return waiting_; }

 private:
  struct Wait;

  EventLoop& loop_;
  const Limits limits_;
  std::size_t at_once_ = 0;
  std::size_t waiting_ = 0;
  std::unordered_map<std::string, std::deque<std::coroutine_handle<>>> of_client_;  // none is empty
  std::deque<std::string> next_;                                                    // each client once
};

// Whom an address stands for: an IPv4 address for itself, an IPv6 one for its network of 64 bits, which one
// machine may use all of; any other text for itself.
std::string client_at(std::string_view address);

}  // namespace deputy::api
