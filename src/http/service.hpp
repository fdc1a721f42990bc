#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "core/task_group.hpp"
#include "http/handshakes.hpp"
#include "http/readiness.hpp"
#include "http/response_writer.hpp"
#include "http/server.hpp"

namespace deputy::http {

class Session;

// The system's randomness in blocks, so that a request's identifier costs no system call.
class BufferedRandom final : public Random {
 public:
  void fill(std::span<std::byte> bytes) override;

 private:
  SystemRandom source_;
  std::array<std::byte, 1536> block_{};
  std::size_t used_ = block_.size();
};

// What the connections of one server share: the handler, the bounds and what counts against them. Owned by
// the Server and by every session; lives until the last handler is done. On the loop's thread.
class Service : public std::enable_shared_from_this<Service> {
 public:
  Service(AsioLoop& loop_, ServerOptions options_, Handler handler_);

  AsioLoop& loop;
  const ServerOptions options;
  const Handler handler;
  TaskGroup tasks;
  DateLine date;
  BufferedRandom random;
  Readiness readiness;
  Admission admission;
  std::unique_ptr<Handshakes> handshakes;  // with TLS
  Tally counts;
  bool draining = false;
  std::size_t requests_in_flight = 0;
  std::size_t bodies_bytes = 0;
  std::array<char, 16 * 1024> dropped{};  // where lingering sessions receive what nobody reads
  std::function<void()> on_quiet;         // called whenever the last of sessions and requests went

  // Sessions that are open; each knows its place in the list.
  std::vector<std::shared_ptr<Session>> sessions;
  std::size_t sessions_refused = 0;  // of these, the ones that only learn that they are too many
  void enter(std::shared_ptr<Session> session);
  void leave(Session& session);
  // Closes a connection that has been idle for long, to make room. False when there is none.
  bool evict_idle();

  void request_done(Admission::Place place);
  Response error_response(int status, std::string_view request_id) const;
  std::string draw_request_id();

 private:
  void tell_if_quiet() const;
  void sweep();
  void sweep_later();

  const std::chrono::milliseconds sweep_period_;
  bool sweeping_ = false;
};

}  // namespace deputy::http
