#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/task.hpp"
#include "http/admission.hpp"
#include "http/asio_loop.hpp"
#include "http/certificate.hpp"
#include "http/counts.hpp"
#include "http/message.hpp"

namespace deputy::http {

// Bounds and time-outs. Time-outs are looked at once a second, more often when one is short: they come up to
// a second late.
struct ServerOptions {
  std::string address = "127.0.0.1";  // an IP address literal
  std::uint16_t port = 0;             // 0: the system chooses
  // The address speaks TLS with this pair, and nothing else; empty: it speaks plainly.
  std::optional<CertificateFiles> tls;
  // Also listens here, plainly, for processes on this machine; empty: not. See unix_socket.hpp.
  std::filesystem::path unix_socket;

  std::size_t connections_max = 10'000;              // of all listeners; more: an idle one gives way, or 503
  std::size_t connections_per_second_max = 2'000;    // accepted; more wait in the kernel's queue
  std::size_t handshakes_max = 512;                  // that wait for the processor; more are closed
  std::size_t body_bytes_max = 1024 * 1024;          // of one request; more: 413
  std::size_t bodies_bytes_max = 256 * 1024 * 1024;  // of all requests together; more: 503 with Retry-After
  std::size_t header_bytes_max = 16 * 1024;          // with the request line; more, or over 100 fields: 431
  std::size_t requests_in_flight_max = 2'000;        // with the handler, where there are no lanes; more: 503
  // Kinds of requests with bounds of their own, and which is whose (a place in `lanes`).
  std::vector<Lane> lanes;
  std::function<std::size_t(const Request&)> lane_of;

  std::chrono::milliseconds handshake_timeout{10'000};  // from accepting to the end of TLS's handshake
  std::chrono::milliseconds header_timeout{
      10'000};  // from a connection's or a request's first byte to the header's end: 408
  std::chrono::milliseconds body_timeout{30'000};   // from the header's end to the body's: 408
  std::chrono::milliseconds idle_timeout{75'000};   // between requests of one connection
  std::chrono::milliseconds idle_protected{1'000};  // so long an idle one need not give way to another
  std::chrono::milliseconds write_timeout{
      30'000};  // for a client to take one response: then the connection is cut
  std::chrono::milliseconds finish_timeout{1'000};  // for the rest of a request, once the server drains: 408
  std::chrono::milliseconds linger_timeout{
      2'000};  // a refused client may go on sending so long while it reads the answer
  std::chrono::milliseconds certificate_check_period{10'000};  // how often the pair's files are looked at

  // Renders what the listener itself answers (400, 408, 413, 417, 429, 431, 500, 501, 503, 505); by default a
  // line of plain text. On the loop.
  std::function<Response(int status, std::string_view request_id)> error_response;
};

// An HTTP/1.1 listener with keep-alive; requests of one connection are answered one at a time, pipelined or
// not. Refuses what invites smuggling: see request_reader.hpp. A request's body arrives whole before the
// handler runs. HEAD goes to the handler like any method and is answered without a body. `Expect:
// 100-continue` is honoured. The handler's task is the server's: it runs to its end even if the client has
// gone; its answer is then dropped. What escapes a handler as an exception becomes a bare 500 and a line in
// the log. All on the loop's thread, the destructor too; the loop must outlive the server.
class Server {
 public:
  Server(AsioLoop& loop, ServerOptions options, Handler handler);
  // Closes the listeners and all connections. Handlers that still run go on and are forgotten: what they
  // refer to must stay, so `drain` first. Not from within a handler.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Reads the certificate, binds and begins to accept. Once. The message names the place and the reason.
  Result<void> listen();
  std::uint16_t port() const;  // after listen

  // Looks at the certificate's files now, changed or not. A pair that cannot be used is logged, and the one
  // in use stays; connections that are open keep theirs. Also done by itself when the files change.
  void reload_certificate();

  std::size_t connections() const;
  std::size_t requests_in_flight() const;
  // How often accepting failed for want of descriptors or memory; then it pauses for 100 ms.
  std::size_t accept_failures() const;
  ServerCounts counts() const;

  // Stops accepting, closes idle connections, lets requests in flight finish (their connections close after),
  // cuts what is left after `grace`. Completes when nothing is left or grace is over; handlers may still run
  // only in the latter case.
  Task<void> drain(std::chrono::milliseconds grace);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace deputy::http
